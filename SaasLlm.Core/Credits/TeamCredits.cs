namespace SaasLlm.Core.Credits;

/// <summary>A team's account. Only the ledger's writer changes the amounts; amounts are credits, exact to six places.</summary>
public sealed class TeamCredits
{
    public required string TeamId { get; init; }

    public decimal Allocated { get; init; }

    public decimal Used { get; init; }

    /// <summary>Set aside for open jobs.</summary>
    public decimal Held { get; init; }

    /// <summary><c>job_based</c>, <c>consumption_usd</c> or <c>consumption_tokens</c>.</summary>
    public string BudgetMode { get; init; } = Credits.BudgetMode.JobBased;

    public decimal CreditsPerJob { get; init; } = 1;

    public decimal CreditsPerDollar { get; init; } = 10;

    public long TokensPerCredit { get; init; } = 10_000;

    public decimal CreditIncrement { get; init; } = 1;

    /// <summary>Client cost = provider cost × (1 + this / 100).</summary>
    public decimal MarkupPercent { get; init; }

    /// <summary>The most the team may use in a calendar month (UTC); null is no limit.</summary>
    public decimal? CreditLimit { get; init; }

    /// <summary>Net use in the month of <see cref="MonthStart"/>; in another month it counts as 0.</summary>
    public decimal MonthUsed { get; init; }

    public DateOnly MonthStart { get; init; }

    /// <summary>Client cost of the jobs of <see cref="MonthStart"/> that were not charged, in USD.</summary>
    public decimal MonthUnchargedUsd { get; init; }

    /// <summary>Where <see cref="MonthUnchargedUsd"/> is worth an event; null is nowhere.</summary>
    public decimal? UnchargedThresholdUsd { get; init; }

    /// <summary>Levels of remaining credits whose crossing is an event.</summary>
    public decimal[] LowThresholds { get; init; } = [];

    /// <summary>Some endpoint asks for <c>job.created</c> or <c>job.started</c>: the webhooks keep it.</summary>
    public bool RaisesJobEvents { get; init; }

    /// <summary>Grows with every change of the row's amounts or rates: orders the pushes to Redis.</summary>
    public long Version { get; init; }

    /// <summary>The sequence of the team's newest ledger entry.</summary>
    public long LastSequence { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Net use in the calendar month (UTC) of <paramref name="now"/>.</summary>
    public decimal MonthUsedAt(DateTimeOffset now)
        => (MonthStart.Year, MonthStart.Month) == (now.UtcDateTime.Year, now.UtcDateTime.Month) ? MonthUsed : 0;

    /// <summary>How the team's next job is charged.</summary>
    public BudgetTerms Terms() => new(BudgetMode, CreditsPerJob, CreditsPerDollar, TokensPerCredit, CreditIncrement, MarkupPercent);
}
