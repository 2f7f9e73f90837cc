namespace SaasLlm.Core.Pricing;

/// <summary>One version of the price book. It is never changed.</summary>
public sealed class PriceVersion
{
    /// <summary>1, 2, 3, … without a gap, in the order of the commits.</summary>
    public required long Version { get; init; }

    /// <summary>One of <see cref="PriceSource"/>.</summary>
    public required string Source { get; init; }

    public required string Reason { get; init; }

    /// <summary>Where it can be looked up.</summary>
    public string? SourceUrl { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>What a version says of one model. Without input and output it takes its source's price back.</summary>
public sealed class ModelPriceRow
{
    public required string ModelName { get; init; }

    public required long Version { get; init; }

    public decimal? InputUsdPerMillion { get; init; }

    public decimal? OutputUsdPerMillion { get; init; }

    public decimal? CachedInputUsdPerMillion { get; init; }

    public decimal? CacheWriteUsdPerMillion { get; init; }

    public decimal? ReasoningUsdPerMillion { get; init; }

    /// <summary>USD, whatever the tokens.</summary>
    public decimal? RequestUsd { get; init; }
}

/// <summary>Who said a price. Of several the first in this order counts: operator, configuration, gateway, built-in.</summary>
public static class PriceSource
{
    public const string Operator = "operator";
    public const string Configuration = "configuration";
    public const string Gateway = "gateway";
    public const string BuiltIn = "builtin";

    /// <summary>The strongest first.</summary>
    public static IReadOnlyList<string> ByPrecedence { get; } = [Operator, Configuration, Gateway, BuiltIn];
}
