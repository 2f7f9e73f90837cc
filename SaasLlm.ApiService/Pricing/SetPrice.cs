using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Pricing;

namespace SaasLlm.ApiService.Pricing;

/// <summary>States the operator's price of a model.</summary>
internal sealed class SetPrice(PriceWriter writer, PriceReader prices) : Endpoint<SetPriceRequest, PriceHistoryResponse>
{
    public override void Configure()
    {
        Put("/models/{**model_name}");
        Group<PricesGroup>();
        Summary(s =>
        {
            s.Summary = "States a model's price";
            s.Description = "A new version of the book, unless the operator's price is this one already. Jobs that open from now on are priced by it, within a "
                + "second on every replica; open jobs keep the version that they opened with. An explicit 0 is a price.";
            s.Params["model_name"] = "For example gpt-4o or openai/gpt-4o.";
            s.ExampleRequest = new("gpt-4o", 2.5m, 10, 1.25m, null, null, null, "The provider's price list of January");
            s.ResponseExamples[200] = PriceHistoryResponse.Example;
        });
    }

    public override async Task HandleAsync(SetPriceRequest request, CancellationToken ct)
    {
        var model = request.ModelName.ToModelName();
        var price = new ModelPrice(
            request.InputUsdPerMillion!.Value, request.OutputUsdPerMillion!.Value, request.CachedInputUsdPerMillion, request.CacheWriteUsdPerMillion,
            request.ReasoningUsdPerMillion, request.RequestUsd ?? 0);
        await writer.WriteAsync(
            PriceSource.Operator, request.Reason ?? "Stated by the operator.",
            _ => new Dictionary<string, ModelPrice?> { [model] = price }, ct);
        var found = await prices.FindAsync(model, ct);
        await found.Match(
            stated => Send.OkAsync(PriceHistoryResponse.From(model, stated), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="CachedInputUsdPerMillion">Left out: as input.</param>
/// <param name="CacheWriteUsdPerMillion">Input that the provider stores for later. Left out: as input.</param>
/// <param name="ReasoningUsdPerMillion">Left out: as output.</param>
/// <param name="RequestUsd">USD a request, whatever its tokens. Left out: 0.</param>
/// <param name="Reason">Why, for whoever reads the history.</param>
internal sealed record SetPriceRequest(
    [property: RouteParam] string ModelName,
    decimal? InputUsdPerMillion,
    decimal? OutputUsdPerMillion,
    decimal? CachedInputUsdPerMillion,
    decimal? CacheWriteUsdPerMillion,
    decimal? ReasoningUsdPerMillion,
    decimal? RequestUsd,
    string? Reason);

internal sealed class SetPriceValidator : Validator<SetPriceRequest>
{
    public SetPriceValidator()
    {
        RuleFor(r => r.ModelName).IsModelName();
        RuleFor(r => r.InputUsdPerMillion).NotNull();
        RuleFor(r => r.InputUsdPerMillion).IsPrice();
        RuleFor(r => r.OutputUsdPerMillion).NotNull();
        RuleFor(r => r.OutputUsdPerMillion).IsPrice();
        RuleFor(r => r.CachedInputUsdPerMillion).IsPrice();
        RuleFor(r => r.CacheWriteUsdPerMillion).IsPrice();
        RuleFor(r => r.ReasoningUsdPerMillion).IsPrice();
        RuleFor(r => r.RequestUsd).IsRequestPrice();
        RuleFor(r => r.Reason).IsLine(500);
    }
}
