using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Pricing;

namespace SaasLlm.ApiService.Pricing;

/// <summary>Takes the operator's price of a model back.</summary>
internal sealed class WithdrawPrice(PriceWriter writer, PriceReader prices) : Endpoint<WithdrawPriceRequest, PriceHistoryResponse>
{
    public override void Configure()
    {
        Delete("/models/{**model_name}");
        Group<PricesGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Takes the operator's price of a model back";
            s.Description = "A new version, in which the configured, the gateway's or the built-in price counts again, or none. Nothing is removed: open jobs keep "
                + "the version that they opened with. Without a price of the operator's nothing changes.";
            s.Params["model_name"] = "For example gpt-4o or openai/gpt-4o.";
            s.ResponseExamples[200] = PriceHistoryResponse.Example;
        });
    }

    public override async Task HandleAsync(WithdrawPriceRequest request, CancellationToken ct)
    {
        var model = request.ModelName.ToModelName();
        await writer.WriteAsync(
            PriceSource.Operator, "Taken back by the operator.", _ => new Dictionary<string, ModelPrice?> { [model] = null }, ct);
        var found = await prices.FindAsync(model, ct);
        await found.Match(
            left => Send.OkAsync(PriceHistoryResponse.From(model, left), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record WithdrawPriceRequest([property: RouteParam] string ModelName);

internal sealed class WithdrawPriceValidator : Validator<WithdrawPriceRequest>
{
    public WithdrawPriceValidator() => RuleFor(r => r.ModelName).IsModelName();
}
