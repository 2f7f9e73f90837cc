namespace SaasLlm.Core.Pricing;

/// <summary>How to take the gateway's list.</summary>
/// <param name="IsDryRun">Only say what would change.</param>
/// <param name="TakesChanges">False: only what is new.</param>
/// <param name="RemovesMissing">Take the price of what is no longer listed back.</param>
public sealed record ImportOrder(string Reason, bool IsDryRun = false, bool TakesChanges = true, bool RemovesMissing = false);

/// <summary>What the gateway's list and the book's copy of it differ in, by name.</summary>
/// <param name="Missing">No longer listed, or no longer taken.</param>
/// <param name="Version">The version that was added; null when nothing was.</param>
public sealed record PriceImport(
    IReadOnlyList<PriceDifference> Added,
    IReadOnlyList<PriceDifference> Changed,
    IReadOnlyList<PriceDifference> Missing,
    int Unchanged,
    long? Version = null)
{
    /// <summary>Listed, and not taken: their price depends on the length of the prompt.</summary>
    public IReadOnlyList<string> Skipped { get; init; } = [];

    internal static PriceImport Compare(IReadOnlyDictionary<string, ModelPrice> standing, GatewayPriceList list)
    {
        var listed = list.Prices;
        var both = listed.OrderBy(model => model.Key, StringComparer.Ordinal)
            .Select(model => new PriceDifference(model.Key, standing.GetValueOrDefault(model.Key), model.Value.Rounded())).ToList();
        return new(
            [.. both.Where(model => model.Before is null)],
            [.. both.Where(model => model.Before is not null && model.Before != model.After)],
            [.. standing.Where(model => !listed.ContainsKey(model.Key)).OrderBy(model => model.Key, StringComparer.Ordinal)
                .Select(model => new PriceDifference(model.Key, model.Value, null))],
            both.Count(model => model.Before == model.After))
        {
            Skipped = list.ByLength,
        };
    }

    internal IReadOnlyDictionary<string, ModelPrice?> States(ImportOrder order)
        => Added.Concat(order.TakesChanges ? Changed : []).Concat(order.RemovesMissing ? Missing : [])
            .ToDictionary(model => model.ModelName, model => model.After, StringComparer.Ordinal);
}

/// <summary>One model's two prices; null is none.</summary>
public sealed record PriceDifference(string ModelName, ModelPrice? Before, ModelPrice? After);
