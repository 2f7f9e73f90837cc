using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.Core.Pricing;

/// <summary>What a model costs, in USD per million tokens. An explicit zero is a price.</summary>
/// <param name="CachedInput">Null: cached input is charged as input.</param>
public sealed record ModelPrice(decimal Input, decimal Output, decimal? CachedInput = null)
{
    private const decimal Million = 1_000_000m;

    /// <summary>
    /// The provider's cost in USD, rounded up to ten places. Cached input is part of input; reasoning is part of output and costs the same.
    /// </summary>
    public decimal Cost(TokenUsage usage)
        => Money.RoundUsdUp(
            (((usage.Input - usage.CachedInput) * Input)
             + (usage.CachedInput * (CachedInput ?? Input))
             + (usage.Output * Output)) / Million);
}
