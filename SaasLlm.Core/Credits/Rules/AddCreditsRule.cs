using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>Credits come in: one ledger entry, and as much more allocated.</summary>
internal static class AddCreditsRule
{
    // Kinds that may add. The others come with rules of their own.
    private static readonly string[] s_kinds = ["allocation", "topup", "promotion", "adjustment"];

    public static Decision<PostedTransaction> Decide(LedgerState state, AddCredits command, RowIds ids, DateTimeOffset now)
    {
        if (state.Account is not { } account)
        {
            return Decision<PostedTransaction>.Unchanged(state, LedgerFailures.TeamNotFound);
        }

        // The same command again, after an answer that was lost: the id is the command's.
        if (state.Posted is { } posted)
        {
            return Decision<PostedTransaction>.Unchanged(state, posted);
        }

        if (command.Credits <= 0 || command.Credits > Money.CreditsMax || !Money.IsExactCredits(command.Credits) || !s_kinds.Contains(command.Kind))
        {
            return Decision<PostedTransaction>.Unchanged(state, new Failure(
                FailureKind.Invalid, "credits.invalid_amount", "Credits are added as a positive amount with at most six decimal places."));
        }

        var after = account with { Allocated = account.Allocated + command.Credits, LastSequence = account.LastSequence + 1 };
        var transaction = new PostedTransaction(
            command.TransactionId, account.TeamId, after.LastSequence, command.Kind, command.Credits,
            account.Remaining, after.Remaining, null, command.Reason, now);
        return new(transaction, state with { Account = after, Posted = transaction },
            [new TransactionPosted(transaction), LedgerEvents.CreditsAdded(ids.Message, transaction)]);
    }
}
