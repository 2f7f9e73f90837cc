using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Pricing;

namespace SaasLlm.ApiService.Pricing;

/// <summary>Takes the gateway's price list into the book.</summary>
internal sealed class ImportPrices(GatewayPrices gateway) : Endpoint<ImportPricesRequest, ImportPricesResponse>
{
    public override void Configure()
    {
        Put("/import");
        Group<PricesGroup>();
        Description(d => d.ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Takes the gateway's price list";
            s.Description = "Reads LiteLLM's `/model/info` and adds a version with what differs, if anything does: new and changed prices, and, if asked for, those no "
                + "longer listed. A model whose price depends on the length of the prompt is not taken (`skipped`), for the book has one price a token: it is "
                + "unpriced until you state one, or keeps the price that was taken before. The job runner takes new prices by itself; changed ones wait for this call, unless `Pricing:Import` is `all`.";
            s.Params["dry_run"] = "true: only say what would change.";
            s.Params["remove_missing"] = "true: take the price of what is no longer listed back.";
            s.ResponseExamples[200] = ImportPricesResponse.Example;
        });
    }

    public override async Task HandleAsync(ImportPricesRequest request, CancellationToken ct)
    {
        var order = new ImportOrder("Imported by the operator.", request.DryRun ?? false, RemovesMissing: request.RemoveMissing ?? false);
        var imported = await gateway.ImportAsync(order, ct);
        await imported.Match(
            import => Send.OkAsync(ImportPricesResponse.From(import, order), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record ImportPricesRequest([property: QueryParam] bool? DryRun = null, [property: QueryParam] bool? RemoveMissing = null);

/// <param name="Version">The version that was added; null when nothing was.</param>
/// <param name="Missing">What the gateway no longer lists, or what is skipped now; it keeps its price unless <c>remove_missing</c> says otherwise.</param>
/// <param name="Skipped">Listed, and not taken.</param>
internal sealed record ImportPricesResponse(
    bool DryRun,
    long? Version,
    int Unchanged,
    IReadOnlyList<PriceDifferenceResponse> Added,
    IReadOnlyList<PriceDifferenceResponse> Changed,
    IReadOnlyList<PriceDifferenceResponse> Missing,
    IReadOnlyList<SkippedPriceResponse> Skipped)
{
    public static readonly ImportPricesResponse Example = new(
        false, 13, 40, [new("gpt-4o-mini", null, new(0.15m, 0.6m, 0.075m, null, null, 0))],
        [new("gpt-4o", PriceResponse.Example with { OutputUsdPerMillion = 15 }, PriceResponse.Example)], [], [new("gemini-2.5-pro", SkippedPriceResponse.ByLength)]);

    public static ImportPricesResponse From(PriceImport import, ImportOrder order) => new(
        order.IsDryRun, import.Version, import.Unchanged,
        [.. import.Added.Select(PriceDifferenceResponse.From)], [.. import.Changed.Select(PriceDifferenceResponse.From)],
        [.. import.Missing.Select(PriceDifferenceResponse.From)], [.. import.Skipped.Select(name => new SkippedPriceResponse(name, SkippedPriceResponse.ByLength))]);
}

/// <param name="Reason">Why its price is not taken.</param>
internal sealed record SkippedPriceResponse(string ModelName, string Reason)
{
    public const string ByLength = "Its price depends on the length of the prompt.";
}

internal sealed record PriceDifferenceResponse(string ModelName, PriceResponse? Before, PriceResponse? After)
{
    public static PriceDifferenceResponse From(PriceDifference difference)
        => new(difference.ModelName, PriceResponse.From(difference.Before), PriceResponse.From(difference.After));
}
