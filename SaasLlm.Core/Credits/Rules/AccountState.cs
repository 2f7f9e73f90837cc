namespace SaasLlm.Core.Credits.Rules;

/// <summary>A team's account as the writer read it under its row lock. Amounts are credits.</summary>
internal sealed record AccountState(
    string TeamId,
    string OrganizationId,
    bool IsSuspended,
    decimal Allocated,
    decimal Used,
    decimal Held,
    string BudgetMode,
    decimal CreditsPerJob,
    decimal MarkupPercent,
    decimal? CreditLimit,
    decimal MonthUsed,
    DateOnly MonthStart,
    long Version,
    long LastSequence)
{
    /// <summary>What was bought and not used up, held or not.</summary>
    public decimal Remaining => Allocated - Used;

    /// <summary>What a new hold may take; never negative.</summary>
    public decimal Available => Remaining - Held;

    /// <summary>Net use in the calendar month (UTC) of <paramref name="now"/>.</summary>
    public decimal MonthUsedAt(DateTimeOffset now) => MonthStart == MonthOf(now) ? MonthUsed : 0;

    /// <summary>Uses <paramref name="credits"/> in the month of <paramref name="now"/>.</summary>
    public AccountState Use(decimal credits, DateTimeOffset now) => this with
    {
        Used = Used + credits,
        MonthUsed = MonthUsedAt(now) + credits,
        MonthStart = MonthOf(now),
    };

    private static DateOnly MonthOf(DateTimeOffset now) => new(now.UtcDateTime.Year, now.UtcDateTime.Month, 1);
}
