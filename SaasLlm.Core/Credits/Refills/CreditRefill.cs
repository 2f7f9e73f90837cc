namespace SaasLlm.Core.Credits.Refills;

/// <summary>Credits that a team gets by itself. Times are by the clock of money.</summary>
public sealed class CreditRefill
{
    public required string TeamId { get; init; }

    public bool IsEnabled { get; init; }

    /// <summary>One of <see cref="RefillPeriod"/>.</summary>
    public required string Period { get; init; }

    /// <summary>One of <see cref="RefillMode"/>.</summary>
    public required string Mode { get; init; }

    /// <summary>What is added, or the level of remaining credits that is filled up to.</summary>
    public decimal Credits { get; init; }

    /// <summary>What the customer pays for all of <see cref="Credits"/>; null is not known. A refill of a part costs that part of it.</summary>
    public decimal? CostBasisUsd { get; init; }

    /// <summary>What a refill adds ends at the next one.</summary>
    public bool Expires { get; init; }

    /// <summary>The first tick.</summary>
    public DateTimeOffset StartsAt { get; init; }

    /// <summary>The tick that is not decided yet.</summary>
    public DateTimeOffset NextRefillAt { get; init; }

    /// <summary>The last tick that was decided.</summary>
    public DateTimeOffset? LastRefillAt { get; init; }

    /// <summary>What it added: 0 for a team that was suspended, or full.</summary>
    public decimal? LastCredits { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>How a refill counts, as stored and as written in JSON.</summary>
public static class RefillMode
{
    public const string Amount = "amount";
    public const string UpTo = "up_to";

    public static IReadOnlyList<string> All { get; } = [Amount, UpTo];
}
