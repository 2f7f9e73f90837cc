using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>Credits come in as a lot: one ledger entry, and as much more allocated.</summary>
internal static class AddCreditsRule
{
    public static Decision<PostedTransaction> Decide(LedgerState state, AddCredits command, RowIds ids, DateTimeOffset now)
    {
        if (state.Account is not { } account)
        {
            return Decision<PostedTransaction>.Unchanged(state, LedgerFailures.TeamNotFound);
        }

        // The same grant again, after an answer that was lost or from a grantor that repeats itself.
        if (state.Posted is { } posted)
        {
            return Decision<PostedTransaction>.Unchanged(
                state, posted.Amount == command.Credits ? posted : LedgerFailures.ReferenceUsed(posted));
        }

        if (command.Credits <= 0 || !LedgerFailures.IsAmount(command.Credits) || !LotSource.All.Contains(command.Terms.Source))
        {
            return Decision<PostedTransaction>.Unchanged(state, LedgerFailures.InvalidAmount);
        }

        if (command.Terms.ExpiresAt <= now)
        {
            return Decision<PostedTransaction>.Unchanged(state, LedgerFailures.AlreadyExpired);
        }

        var lot = new LotState(
            new(command.TransactionId.Value), command.Terms.Priority, command.Terms.ExpiresAt, now, command.Credits, command.Credits, 0);
        var (after, transaction) = account.Grant(lot).Post(
            account, command.TransactionId.Value, LotSource.TransactionKind(command.Terms.Source), [new(lot.LotId, command.Credits)], null, command.Reason, now);
        var terms = command.Terms with { Reference = command.Terms.Reference ?? command.TransactionId.ToString() };
        return new(transaction, state with { Account = after, Posted = transaction },
        [
            new LotGranted(account.TeamId, lot, terms),
            new TransactionPosted(transaction),
            .. LedgerEvents.OfGrant(ids, account, transaction),
        ]);
    }
}
