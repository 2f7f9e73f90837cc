using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.Core.Pricing;

/// <summary>What a model costs, in USD per million tokens, and in USD a request. An explicit zero is a price.</summary>
/// <param name="CachedInput">Null: cached input is charged as input.</param>
/// <param name="CacheWrite">Input that the provider stores for later. Null: as input.</param>
/// <param name="Reasoning">Null: as output.</param>
/// <param name="Request">USD a request, whatever its tokens.</param>
public sealed record ModelPrice(
    decimal Input, decimal Output, decimal? CachedInput = null, decimal? CacheWrite = null, decimal? Reasoning = null, decimal Request = 0)
{
    /// <summary>Decimal places of a price per million tokens, as <c>numeric(20,12)</c>: eighteen of a price per token.</summary>
    public const int Scale = 12;

    /// <summary>The highest price per million tokens: a dollar a token.</summary>
    public const decimal Max = Million;

    private const decimal Million = 1_000_000m;
    private const int NameMax = 200;

    /// <summary>True for what a model may be called: 1 to 200 characters, no spaces, nothing that cannot be stored.</summary>
    public static bool IsModelName(string name)
        => name is { Length: > 0 and <= NameMax } && !name.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || char.IsSurrogate(c));

    /// <summary>As it is stored: twelve decimal places, upward.</summary>
    public ModelPrice Rounded() => new(Up(Input), Up(Output), Up(CachedInput), Up(CacheWrite), Up(Reasoning), Money.RoundUsdUp(Request));

    /// <summary>
    /// The provider's cost in USD, rounded up to ten places. Cached input and cache writes are parts of input; reasoning is part of output.
    /// </summary>
    public decimal Cost(TokenUsage usage)
        => Money.RoundUsdUp(Request
            + ((((usage.Input - usage.CachedInput - usage.CacheWrite) * Input)
                + (usage.CachedInput * (CachedInput ?? Input))
                + (usage.CacheWrite * (CacheWrite ?? Input))
                + ((usage.Output - usage.Reasoning) * Output)
                + (usage.Reasoning * (Reasoning ?? Output))) / Million));

    private static decimal Up(decimal price) => decimal.Round(price, Scale, MidpointRounding.ToPositiveInfinity);

    private static decimal? Up(decimal? price) => price is { } value ? Up(value) : null;

    /// <summary>The cost of tokens whose classes are not known, at the most.</summary>
    public decimal CostMax(long input, long output)
        => Money.RoundUsdUp(Request
            + (((input * Math.Max(Input, Math.Max(CachedInput ?? 0, CacheWrite ?? 0)))
                + (output * Math.Max(Output, Reasoning ?? 0))) / Million));

    /// <summary>The cost of tokens whose classes are not known, at the least.</summary>
    public decimal CostMin(long input, long output)
        => Money.RoundUsdUp(Request
            + (((input * Math.Min(Input, Math.Min(CachedInput ?? Input, CacheWrite ?? Input)))
                + (output * Math.Min(Output, Reasoning ?? Output))) / Million));
}
