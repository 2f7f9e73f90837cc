using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>
/// A team's account as the writer read it under its row lock, with its lots in burn order. Amounts are credits. The account and its
/// lots change together, only by the methods here: remaining is the sum of what remains in the lots, held that of what is reserved.
/// </summary>
internal sealed record AccountState(
    string TeamId,
    string OrganizationId,
    bool IsSuspended,
    decimal Allocated,
    decimal Used,
    decimal Held,
    BudgetTerms Terms,
    decimal? CreditLimit,
    decimal MonthUsed,
    DateOnly MonthStart,
    long Version,
    long LastSequence)
{
    public IReadOnlyList<LotState> Lots { get; init; } = [];

    /// <summary>Levels of remaining credits whose crossing is an event.</summary>
    public IReadOnlyList<decimal> LowThresholds { get; init; } = [];

    /// <summary>Somebody wants to hear of every job that opens and starts.</summary>
    public bool RaisesJobEvents { get; init; }

    /// <summary>Client cost of this month's jobs that were not charged, in USD.</summary>
    public decimal MonthUnchargedUsd { get; init; }

    /// <summary>Null: no event.</summary>
    public decimal? UnchargedThresholdUsd { get; init; }

    /// <summary>What was granted and not used up, held or not.</summary>
    public decimal Remaining => Allocated - Used;

    /// <summary>What a new hold may take; never negative.</summary>
    public decimal Available => Remaining - Held;

    /// <summary>Use in the calendar month (UTC) of <paramref name="now"/>, net of its refunds.</summary>
    public decimal MonthUsedAt(DateTimeOffset now) => MonthStart == MonthOf(now) ? MonthUsed : 0;

    /// <summary>What the month's limit still admits; null is no limit.</summary>
    public decimal? LimitLeftAt(DateTimeOffset now) => CreditLimit is { } limit ? Math.Max(0, limit - MonthUsedAt(now) - Held) : null;

    /// <summary>Sets credits aside, lots in burn order. The caller has asked <see cref="CreditRefusal.Of"/>.</summary>
    public (AccountState Account, IReadOnlyList<LotShare> Shares) Hold(decimal credits)
    {
        var shares = LotRules.TakeFree(Lots, credits);
        return (this with { Held = Held + credits, Lots = LotRules.Change(Lots, shares, (lot, part) => lot with { Reserved = lot.Reserved + part }) }, shares);
    }

    /// <summary>Gives back what was set aside.</summary>
    public AccountState Release(IReadOnlyList<LotShare> shares) => this with
    {
        Held = Held - shares.Sum(share => share.Credits),
        Lots = LotRules.Change(Lots, shares, (lot, part) => lot with { Reserved = lot.Reserved - part }),
    };

    /// <summary>Uses credits that are free (a hold is released first), in the month of <paramref name="now"/>.</summary>
    public AccountState Burn(IReadOnlyList<LotShare> shares, DateTimeOffset now)
    {
        var credits = shares.Sum(share => share.Credits);
        return InMonth(now) with
        {
            Used = Used + credits,
            MonthUsed = MonthUsedAt(now) + credits,
            Lots = LotRules.Change(Lots, shares, (lot, part) => lot with { Remaining = lot.Remaining - part }),
        };
    }

    /// <summary>Undoes use, into the lots that were burned; one that has expired lives on for a while.</summary>
    public AccountState Refund(IReadOnlyList<LotShare> shares, DateTimeOffset now)
    {
        var credits = shares.Sum(share => share.Credits);
        var lots = LotRules.Change(Lots, shares, (lot, part) => lot with
        {
            Remaining = lot.Remaining + part,
            ExpiresAt = lot.HasExpired(now) ? now + LotRules.RevivedLife : lot.ExpiresAt,
        });
        return InMonth(now) with { Used = Used - credits, MonthUsed = MonthUsedAt(now) - credits, Lots = LotRules.InBurnOrder(lots) };
    }

    /// <summary>Adds a lot.</summary>
    public AccountState Grant(LotState lot)
        => this with { Allocated = Allocated + lot.Granted, Lots = LotRules.InBurnOrder([.. Lots, lot]) };

    /// <summary>Takes free credits back that were granted: expiry, or a negative adjustment.</summary>
    public AccountState Withdraw(IReadOnlyList<LotShare> shares) => this with
    {
        Allocated = Allocated - shares.Sum(share => share.Credits),
        Lots = LotRules.Change(Lots, shares, (lot, part) => lot with { Remaining = lot.Remaining - part }),
    };

    /// <summary>Counts what a job cost that is not charged.</summary>
    public AccountState AddUncharged(decimal clientCostUsd, DateTimeOffset now)
    {
        var month = InMonth(now);
        return month with { MonthUnchargedUsd = month.MonthUnchargedUsd + clientCostUsd };
    }

    /// <summary>The ledger entry for what changed since <paramref name="before"/>, and this account with its number.</summary>
    public (AccountState Account, PostedTransaction Transaction) Post(
        AccountState before, Guid id, string kind, IReadOnlyList<LotShare> lots, JobId? job, string reason, DateTimeOffset now)
    {
        var numbered = this with { LastSequence = before.LastSequence + 1 };
        return (numbered, new(
            new(id), TeamId, numbered.LastSequence, kind, Remaining - before.Remaining, before.Remaining, Remaining, job, reason, lots, now));
    }

    private AccountState InMonth(DateTimeOffset now) => MonthStart == MonthOf(now)
        ? this
        : this with { MonthUsed = 0, MonthUnchargedUsd = 0, MonthStart = MonthOf(now) };

    private static DateOnly MonthOf(DateTimeOffset now) => new(now.UtcDateTime.Year, now.UtcDateTime.Month, 1);
}
