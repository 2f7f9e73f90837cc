using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Pricing;

namespace SaasLlm.ApiService.Pricing;

/// <summary>Reads a model's price and how it came about.</summary>
internal sealed class GetPrice(PriceReader prices) : Endpoint<GetPriceRequest, PriceHistoryResponse>
{
    public override void Configure()
    {
        Get("/models/{**model_name}");
        Group<PricesGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Reads a model's price and its history";
            s.Description = $"All that versions of the book said of the model, the newest first, {PriceReader.HistoryMax} at the most. The name may hold slashes.";
            s.Params["model_name"] = "For example gpt-4o or openai/gpt-4o.";
            s.ResponseExamples[200] = PriceHistoryResponse.Example;
        });
    }

    public override async Task HandleAsync(GetPriceRequest request, CancellationToken ct)
    {
        var model = request.ModelName.ToModelName();
        var found = await prices.FindAsync(model, ct);
        await found.Match(
            price => Send.OkAsync(PriceHistoryResponse.From(model, price), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetPriceRequest([property: RouteParam] string ModelName);

/// <param name="Current">The price that counts; null: it has none, and calls to it are refused.</param>
internal sealed record PriceHistoryResponse(string ModelName, BookPriceResponse? Current, IReadOnlyList<BookPriceResponse> History)
{
    public static readonly PriceHistoryResponse Example = new(
        "gpt-4o", BookPriceResponse.Example,
        [
            BookPriceResponse.Example,
            BookPriceResponse.Example with { Price = PriceResponse.Example with { OutputUsdPerMillion = 15 }, Version = 3, Source = PriceSource.Gateway, Reason = "The gateway's list." },
        ]);

    public static PriceHistoryResponse From(string modelName, PricedModelHistory history) => new(
        modelName, history.Current is { } current ? BookPriceResponse.From(current) : null, [.. history.History.Select(BookPriceResponse.From)]);
}

internal sealed class GetPriceValidator : Validator<GetPriceRequest>
{
    public GetPriceValidator() => RuleFor(r => r.ModelName).IsModelName();
}
