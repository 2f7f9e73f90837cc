using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>What is known of an attempt when it is over.</summary>
/// <param name="Usage">What the answer said of it; null when it said nothing.</param>
/// <param name="HasContent">Something was given.</param>
/// <param name="TextBytes">How much was given.</param>
/// <param name="PromptMax">The most tokens that the request is.</param>
/// <param name="OutputMax">The longest answer that the request allows, in tokens.</param>
internal readonly record struct AttemptFacts(
    GatewayAnswer Answer, TokenUsage? Usage, bool HasContent, long TextBytes, long PromptMax, long OutputMax);

/// <summary>What an attempt cost, and how well that is known. Only what the provider counted is a cost; the rest is a range.</summary>
internal static class CostOfAttempt
{
    // A token is rarely more bytes of text than the first, and rarely fewer than the second, in any language.
    private const int BytesPerTokenMax = 8;
    private const int BytesPerTokenMin = 3;

    // The most that a column holds is more; no hold is ever as large.
    private const decimal UsdMax = 10_000_000m;

    /// <summary>The provider's cost in USD, null when it is not known, and its evidence.</summary>
    public static (decimal? Usd, CostEvidence Evidence) Of(AttemptFacts facts, ModelPrice price)
    {
        if (facts.Usage is { } usage)
        {
            var cost = price.Cost(usage);
            return (cost, new(UsageSource.Provider, cost, cost));
        }

        // What broke off after it began was computed, and is paid for, whatever the status of its error says.
        if (facts.HasContent)
        {
            return (null, facts.Answer.Fault == TransportFault.TimedOut
                ? new(UsageSource.Bounded, Low(facts, price), Allowed(facts, price))
                : Counted(facts, price));
        }

        // A refusal costs nothing; what a cut or late answer cost, whoever tells of it, nobody here knows.
        return facts.Answer.Fault == TransportFault.NotConnected || (facts.Answer.Status >= 300 && !LostAnswer.IsOne(facts.Answer))
            ? (0m, new(UsageSource.Provider, 0, 0))
            : (null, new(UsageSource.Unknown, 0, Allowed(facts, price)));
    }

    private static CostEvidence Counted(AttemptFacts facts, ModelPrice price)
        => new(UsageSource.Counted, Low(facts, price),
            Capped(price.CostMax(facts.PromptMax, Tokens(facts.TextBytes, BytesPerTokenMin))));

    private static decimal Low(AttemptFacts facts, ModelPrice price)
        => Capped(price.CostMin(facts.PromptMax * BytesPerTokenMin / BytesPerTokenMax, Tokens(facts.TextBytes, BytesPerTokenMax)));

    // Never below what came: a provider may pass a limit that it was given.
    private static decimal Allowed(AttemptFacts facts, ModelPrice price)
        => Capped(price.CostMax(facts.PromptMax, Math.Max(facts.OutputMax, Tokens(facts.TextBytes, BytesPerTokenMin))));

    private static long Tokens(long bytes, int bytesPerToken) => (bytes + bytesPerToken - 1) / bytesPerToken;

    /// <summary>As much as a column holds.</summary>
    public static decimal Capped(decimal usd) => Math.Min(usd, UsdMax);
}
