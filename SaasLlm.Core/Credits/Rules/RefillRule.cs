using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Refills;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>A refill is a grant whose amount is decided under the account's lock, once for each tick.</summary>
internal static class RefillRule
{
    public static Decision<Refilled> Decide(LedgerState state, RefillCredits command, RowIds ids, DateTimeOffset now)
    {
        if (state.Account is not { } account)
        {
            return Decision<Refilled>.Unchanged(state, LedgerFailures.TeamNotFound);
        }

        if (state.Posted is { } posted)
        {
            return Decision<Refilled>.Unchanged(state, new Refilled(posted.Amount));
        }

        if (account.IsSuspended)
        {
            return Decision<Refilled>.Unchanged(state, new Refilled(0));
        }

        if (command.ExpiresAt <= now)
        {
            return Decision<Refilled>.Unchanged(state, LedgerFailures.AlreadyExpired);
        }

        return command.Mode == RefillMode.UpTo ? FillUp(state, account, command, ids, now) : Grant(state, account, null, command.Credits, command, ids, now);
    }

    // What has expired does not count for the level, though no pass has come to it yet.
    private static Decision<Refilled> FillUp(LedgerState state, AccountState account, RefillCredits command, RowIds ids, DateTimeOffset now)
    {
        var (swept, expiry) = CorrectionRules.TakeExpired(account, _ => true, ids.Transaction, now);
        if (swept.Remaining < command.Credits)
        {
            return Grant(state, swept, expiry is null ? null : (account, expiry), command.Credits - swept.Remaining, command, ids, now);
        }

        return expiry is null
            ? Decision<Refilled>.Unchanged(state, new Refilled(0))
            : new(new Refilled(0), state with { Account = swept }, [new TransactionPosted(expiry), .. LedgerEvents.OfLevel(ids, account, swept.Remaining, 0, now)]);
    }

    private static Decision<Refilled> Grant(
        LedgerState state, AccountState account, (AccountState Before, PostedTransaction Transaction)? expiry, decimal credits, RefillCredits command, RowIds ids,
        DateTimeOffset now)
    {
        var lot = new LotState(
            new(command.TransactionId.Value), LotSource.DefaultPriority, command.ExpiresAt, now, credits, credits, 0);
        var (after, transaction) = account.Grant(lot).Post(
            account, command.TransactionId.Value, LotSource.TransactionKind(LotSource.Refill), [new(lot.LotId, credits)], null, command.Reason, now);
        TransactionPosted[] posts = expiry is { } before ? [new(before.Transaction), new(transaction)] : [new(transaction)];
        return new(new Refilled(credits), state with { Account = after, Posted = transaction },
        [
            new LotGranted(account.TeamId, lot, new(LotSource.Refill, command.Reference, ExpiresAt: command.ExpiresAt, CostBasisUsd: command.CostOf(credits))),
            .. posts,
            .. LedgerEvents.OfGrant(ids, expiry?.Before ?? account, transaction),
        ]);
    }
}
