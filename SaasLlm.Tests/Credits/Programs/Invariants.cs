using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Rules;

namespace SaasLlm.Tests.Credits.Programs;

/// <summary>What holds at every step, whatever the model thinks (design, section 5).</summary>
internal static class Invariants
{
    public static void OfAccount(AccountState account)
    {
        Assert.True(account.Available >= 0, "overdrawn");
        Assert.True(account.Held >= 0 && account.Allocated >= 0 && account.Used >= 0, "a negative total");
        Assert.Equal(account.Remaining, account.Lots.Sum(lot => lot.Remaining));
        Assert.Equal(account.Held, account.Lots.Sum(lot => lot.Reserved));
        Assert.All(account.Lots, lot => Assert.True(lot.Reserved >= 0 && lot.Reserved <= lot.Remaining && lot.Remaining <= lot.Granted, $"lot {lot}"));
    }

    /// <summary>A hold ends once, and settles no more than it held.</summary>
    public static void OfJob(JobState? before, JobState after)
    {
        Assert.True(after.SettledAmount <= after.HoldAmount && after.RefundedAmount <= after.SettledAmount && after.SettledAmount >= 0, "settled > held");
        Assert.Equal(after.HoldState switch { "held" => after.HoldAmount, "settled" => after.SettledAmount, _ => 0 }, after.Lots.Sum(share => share.Credits));
        Assert.Equal(after.IsOpen, after.HoldState == "held");
        Assert.Equal(after.SettledAmount > 0, after.CreditApplied);
        Assert.True(after.HoldState == "settled" || after.SettledAmount + after.UncollectedCredits == 0, "charged, and not completed");
        Assert.True(after.SuccessfulCalls + after.FailedCalls <= after.StartedCalls, "more ends than starts");
        if (before is { IsOpen: false })
        {
            Assert.Equal(before with { RefundedAmount = after.RefundedAmount, Running = after.Running, Lots = after.Lots, MetadataPatch = after.MetadataPatch }, after);
            Assert.Equal(before.Lots, after.Lots);
        }
    }

    /// <summary>The limit is passed by no step but the one that lowers it.</summary>
    public static void OfLimit(AccountState before, AccountState after, DateTimeOffset now)
    {
        var grew = after.MonthUsedAt(now) + after.Held > before.MonthUsedAt(now) + before.Held;
        Assert.True(!grew || after.CreditLimit is not { } limit || after.MonthUsedAt(now) + after.Held <= limit, "past the month's limit");
    }

    /// <summary>Each entry follows the one before; its parts are its amount.</summary>
    public static void OfTransaction(PostedTransaction? before, PostedTransaction posted)
    {
        Assert.Equal(((before?.Sequence ?? 0) + 1, before?.CreditsAfter ?? 0), (posted.Sequence, posted.CreditsBefore));
        Assert.Equal(posted.CreditsAfter, posted.CreditsBefore + posted.Amount);
        Assert.Equal(posted.Amount, posted.Lots.Sum(share => share.Credits));
        Assert.Equal(posted.Lots.Count, posted.Lots.Select(share => share.LotId).Distinct().Count());
        Assert.True(posted.Kind switch { "deduction" or "expiry" => posted.Amount < 0, "adjustment" => posted.Amount != 0, _ => posted.Amount > 0 }, "sign");
        Assert.All(posted.Lots, share => Assert.Equal(Math.Sign(posted.Amount), Math.Sign(share.Credits)));
    }

    /// <summary>Expiry never takes what jobs hold.</summary>
    public static void OfExpiry(AccountState before, AccountState after)
    {
        Assert.Equal(before.Held, after.Held);
        Assert.All(before.Lots, lot => Assert.Equal(lot.Reserved, after.Lots.SingleOrDefault(same => same.LotId == lot.LotId)?.Reserved ?? 0));
    }
}
