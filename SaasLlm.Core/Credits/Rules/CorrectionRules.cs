using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>What takes credits back or gives them back: refunds, adjustments, expiry. None of them touches what open jobs hold.</summary>
internal static class CorrectionRules
{
    /// <summary>A refund lowers what is used, and returns to the lots that were burned, the newest burn first.</summary>
    public static Decision<PostedTransaction> Refund(LedgerState state, RefundJob command, RowIds ids, DateTimeOffset now)
    {
        if (state.Account is not { } account || state.Job is not { } job)
        {
            return Decision<PostedTransaction>.Unchanged(state, LedgerFailures.JobNotFound);
        }

        if (state.Posted is { } posted)
        {
            return Decision<PostedTransaction>.Unchanged(state, posted);
        }

        if (job.SettledAmount == 0)
        {
            return Decision<PostedTransaction>.Unchanged(state, LedgerFailures.NotCharged);
        }

        var refundable = job.SettledAmount - job.RefundedAmount;
        var credits = command.Credits ?? refundable;
        if (credits > refundable || refundable == 0)
        {
            return Decision<PostedTransaction>.Unchanged(state, LedgerFailures.RefundExceedsCharge(refundable));
        }

        if (credits <= 0 || !LedgerFailures.IsAmount(credits))
        {
            return Decision<PostedTransaction>.Unchanged(state, LedgerFailures.InvalidAmount);
        }

        // What is free in an expired lot goes first: the refund revives its own part, not what expiry has not come to yet.
        var shares = LotRules.Refund(job.Lots, job.RefundedAmount, credits);
        var (swept, expiry) = TakeExpired(account, lot => shares.Any(share => share.LotId == lot.LotId), ids.Transaction, now);
        var (after, refund) = swept.Refund(shares, now).Post(
            swept, command.TransactionId.Value, "refund", shares, job.JobId, command.Reason, now);
        return new(
            refund,
            state with { Account = after, Job = job with { RefundedAmount = job.RefundedAmount + credits }, Posted = refund },
            [.. Posts(expiry, refund), .. LedgerEvents.OfLevel(ids, account, after.Remaining, 0, now)]);
    }

    /// <summary>A positive adjustment is a lot; a negative one takes what is free, in burn order, and lowers what is allocated.</summary>
    public static Decision<PostedTransaction> Adjust(LedgerState state, AdjustCredits command, RowIds ids, DateTimeOffset now)
    {
        if (command.Credits > 0)
        {
            return AddCreditsRule.Decide(
                state, new(command.TransactionId, command.TeamId, command.Credits, command.Reason, new(LotSource.Adjustment)), ids, now);
        }

        if (state.Account is not { } account)
        {
            return Decision<PostedTransaction>.Unchanged(state, LedgerFailures.TeamNotFound);
        }

        if (state.Posted is { } posted)
        {
            return Decision<PostedTransaction>.Unchanged(state, posted);
        }

        if (command.Credits == 0 || !LedgerFailures.IsAmount(-command.Credits))
        {
            return Decision<PostedTransaction>.Unchanged(state, LedgerFailures.InvalidAmount);
        }

        if (-command.Credits > account.Available)
        {
            return Decision<PostedTransaction>.Unchanged(state, LedgerFailures.CreditsHeld(account));
        }

        var shares = LotRules.TakeFree(account.Lots, -command.Credits);
        var (after, adjustment) = account.Withdraw(shares).Post(
            account, command.TransactionId.Value, "adjustment", LotRules.Negative(shares), null, command.Reason, now);
        return new(
            adjustment,
            state with { Account = after, Posted = adjustment },
            [new TransactionPosted(adjustment), .. LedgerEvents.OfLevel(ids, account, after.Remaining, 0, now)]);
    }

    /// <summary>Expiry takes the free rest of lots whose time is over; what jobs hold of them stays, and goes once it is free.</summary>
    public static Decision<decimal> Expire(LedgerState state, RowIds ids, DateTimeOffset now)
    {
        if (state.Account is not { } account)
        {
            return Decision<decimal>.Unchanged(state, LedgerFailures.TeamNotFound);
        }

        var (after, expiry) = TakeExpired(account, _ => true, ids.Transaction, now);
        return expiry is null
            ? Decision<decimal>.Unchanged(state, 0)
            : new(-expiry.Amount, state with { Account = after },
                [new TransactionPosted(expiry), .. LedgerEvents.OfLevel(ids, account, after.Remaining, 0, now)]);
    }

    /// <summary>The account without what is free in those of its expired lots that <paramref name="concerns"/> names.</summary>
    internal static (AccountState Account, PostedTransaction? Expiry) TakeExpired(
        AccountState account, Func<LotState, bool> concerns, Guid id, DateTimeOffset now)
    {
        LotShare[] shares = [.. account.Lots
            .Where(lot => lot.HasExpired(now) && lot.Free > 0 && concerns(lot)).Select(lot => new LotShare(lot.LotId, lot.Free))];
        return shares.Length == 0
            ? (account, null)
            : account.Withdraw(shares).Post(account, id, "expiry", LotRules.Negative(shares), null, "expired", now);
    }

    private static IEnumerable<LedgerEntry> Posts(params PostedTransaction?[] transactions)
        => transactions.OfType<PostedTransaction>().Select(transaction => new TransactionPosted(transaction));
}
