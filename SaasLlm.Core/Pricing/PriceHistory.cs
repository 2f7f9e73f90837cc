using System.Text.Json;

namespace SaasLlm.Core.Pricing;

/// <summary>Everything that the versions up to one of them say of a model.</summary>
/// <param name="AsOf">The newest version when it was read: of later ones it knows nothing.</param>
internal sealed record PriceHistory(long AsOf, IReadOnlyList<StatedPrice> Stated)
{
    /// <summary>Where there is none.</summary>
    public static PriceHistory Empty { get; } = new(0, []);

    /// <summary>
    /// Reads <c>{"as_of":7,"rows":[[3,"gateway",0.15,0.6,0.075,null,null,null],…]}</c>: version, source, then the price's classes in the
    /// order of <see cref="ModelPrice"/>; all null is a price taken back. Versions ascend.
    /// </summary>
    public static PriceHistory Parse(string text)
    {
        using var document = JsonDocument.Parse(text);
        return new(
            document.RootElement.GetProperty("as_of").GetInt64(),
            [.. document.RootElement.GetProperty("rows").EnumerateArray().Select(row => new StatedPrice(row[0].GetInt64(), row[1].GetString()!, Price(row)))]);
    }

    /// <summary>The price at <paramref name="version"/>: of the strongest source that states one.</summary>
    public StatedPrice? At(long version)
        => PriceSource.ByPrecedence
            .Select(source => Stated.LastOrDefault(stated => stated.Version <= version && stated.Source == source))
            .FirstOrDefault(stated => stated?.Price is not null);

    /// <summary>The first price after <paramref name="version"/>, and the version that brought it.</summary>
    public (long Version, ModelPrice Price)? FirstAfter(long version)
        => Stated.FirstOrDefault(stated => stated.Version > version && stated.Price is not null) is { } first
            ? (first.Version, At(first.Version)!.Price!)
            : null;

    private static ModelPrice? Price(JsonElement row)
        => Amount(row[2]) is { } input && Amount(row[3]) is { } output
            ? new(input, output, Amount(row[4]), Amount(row[5]), Amount(row[6]), Amount(row[7]) ?? 0)
            : null;

    private static decimal? Amount(JsonElement value) => value.ValueKind == JsonValueKind.Null ? null : value.GetDecimal();
}

/// <summary>What a version says of a model.</summary>
/// <param name="Price">Null: the source takes its price back.</param>
internal sealed record StatedPrice(long Version, string Source, ModelPrice? Price);
