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
    public string BudgetMode { get; set; } = "job_based";

    public decimal CreditsPerJob { get; set; } = 1;

    public decimal CreditsPerDollar { get; set; } = 10;

    public long TokensPerCredit { get; set; } = 10_000;

    public decimal CreditIncrement { get; set; } = 1;

    /// <summary>Client cost = provider cost × (1 + this / 100).</summary>
    public decimal MarkupPercent { get; set; }

    /// <summary>The most the team may use in a calendar month (UTC); null is no limit.</summary>
    public decimal? CreditLimit { get; set; }

    /// <summary>Net use in the month of <see cref="MonthStart"/>; in another month it counts as 0.</summary>
    public decimal MonthUsed { get; init; }

    public DateOnly MonthStart { get; init; }

    /// <summary>Grows with every change of the row's amounts or rates: orders the pushes to Redis.</summary>
    public long Version { get; init; }

    /// <summary>The sequence of the team's newest ledger entry.</summary>
    public long LastSequence { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }
}
