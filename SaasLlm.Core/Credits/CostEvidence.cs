namespace SaasLlm.Core.Credits;

/// <summary>How well a cost is known.</summary>
/// <param name="Source">One of <see cref="UsageSource"/>.</param>
/// <param name="LowUsd">It cost no less.</param>
/// <param name="HighUsd">It cost no more, as far as can be said.</param>
public readonly record struct CostEvidence(string Source, decimal LowUsd, decimal HighUsd);

/// <summary>Where a usage came from, best first.</summary>
public static class UsageSource
{
    /// <summary>The answer said it, or it was a refusal, which uses nothing.</summary>
    public const string Provider = "provider";

    /// <summary>The answer said nothing of it; its text was counted. What a model thought without saying is not in it.</summary>
    public const string Counted = "counted";

    /// <summary>We stopped listening: it is at least what came, at most what the request allowed.</summary>
    public const string Bounded = "bounded";

    /// <summary>Nothing came: between nothing and what the request allowed.</summary>
    public const string Unknown = "unknown";

    /// <summary>Those that are not measured.</summary>
    public static IReadOnlyList<string> Unmeasured { get; } = [Counted, Bounded, Unknown];

    /// <summary>The less certain of the two.</summary>
    public static string Worse(string one, string other) => Rank(one) >= Rank(other) ? one : other;

    private static int Rank(string source) => source switch
    {
        Unknown => 3,
        Bounded => 2,
        Counted => 1,
        _ => 0,
    };
}
