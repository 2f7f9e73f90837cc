using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>A balance as a 402 shows it. Amounts are credits.</summary>
internal readonly record struct BalanceView(decimal Allocated, decimal Used, decimal Held, decimal Needed)
{
    public decimal Available => Allocated - Used - Held;
}

/// <summary>An open job that holds credits.</summary>
internal readonly record struct HoldView(JobId JobId, decimal Credits, DateTimeOffset ExpiresAt);

/// <summary>A 402 explains itself: what is there, what is held and by whom, and when the next of it comes free.</summary>
internal static class CreditRefusal
{
    /// <summary>How many holds a refusal names, earliest ending first.</summary>
    public const int HoldsMax = 5;

    /// <summary>Why <paramref name="needed"/> more credits cannot be held now, or null.</summary>
    public static Failure? Of(AccountState account, decimal needed, DateTimeOffset now)
    {
        if (needed <= 0)
        {
            return null;
        }

        if (needed > account.Available)
        {
            return Insufficient(new(account.Allocated, account.Used, account.Held, needed));
        }

        return needed > account.LimitLeftAt(now) ? Limit(account, needed, now) : null;
    }

    public static Failure Insufficient(BalanceView balance) => new(
        FailureKind.InsufficientCredits,
        "credits.insufficient",
        balance.Held > 0
            ? "Not enough credits: some are held by jobs that are open."
            : "Not enough credits.")
    {
        Details = Describe(balance, "balance", Math.Floor(Math.Max(0, balance.Available) / balance.Needed)),
    };

    /// <summary>Adds who holds the credits.</summary>
    public static Failure WithHolds(Failure refusal, IReadOnlyList<HoldView> earliestFirst)
    {
        var details = new Dictionary<string, object?>(refusal.Details ?? new Dictionary<string, object?>())
        {
            ["holds"] = earliestFirst.Take(HoldsMax).Select(Describe).ToArray(),
            ["earliest_release_at"] = earliestFirst.Count > 0 ? earliestFirst[0].ExpiresAt : null,
        };
        return refusal with { Details = details };
    }

    private static Failure Limit(AccountState account, decimal needed, DateTimeOffset now)
    {
        var left = account.LimitLeftAt(now) ?? 0;
        var details = Describe(new(account.Allocated, account.Used, account.Held, needed), "credit_limit", Math.Floor(left / needed));
        details["credit_limit"] = Money.Trim(account.CreditLimit ?? 0);
        details["month_used"] = Money.Trim(account.MonthUsedAt(now));
        return new(FailureKind.InsufficientCredits, "credits.limit", "The team's credit limit of this month is reached.") { Details = details };
    }

    private static Dictionary<string, object?> Describe(BalanceView balance, string limit, decimal admitsNow) => new()
    {
        ["limit"] = limit,
        ["level"] = "team",
        ["available"] = Money.Trim(balance.Available),
        ["held"] = Money.Trim(balance.Held),
        ["needed"] = Money.Trim(balance.Needed),
        ["allocated"] = Money.Trim(balance.Allocated),
        ["used"] = Money.Trim(balance.Used),
        ["admits_now"] = (long)admitsNow,
    };

    private static Dictionary<string, object?> Describe(HoldView hold) => new()
    {
        ["job_id"] = hold.JobId.Value,
        ["credits"] = Money.Trim(hold.Credits),
        ["expires_at"] = hold.ExpiresAt,
    };
}
