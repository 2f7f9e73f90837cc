using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using SaasLlm.Core.Credits.Rules;
using static SaasLlm.Core.Credits.Writing.Sql;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>Writes what a batch decided and commits, in one round trip.</summary>
internal static class LedgerWrites
{
    public static async Task CommitAsync(NpgsqlConnection connection, LedgerBatch work)
    {
        await using var batch = new NpgsqlBatch(connection);
        InsertJobs(batch, Of<JobOpened>(work));
        UpdateJobs(batch, work.ChangedJobs);
        UpdateAccounts(batch, work.ChangedAccounts, work.Now);
        ConfigureAccounts(batch, Of<AccountConfigured>(work));
        InsertLots(batch, Of<LotGranted>(work));
        UpdateLots(batch, work.ChangedLots);
        InsertTransactions(batch, Of<TransactionPosted>(work));
        InsertAttempts(batch, Of<AttemptStarted>(work));
        CloseAttempts(batch, Of<AttemptClosed>(work));
        InsertCalls(batch, Of<CallRecorded>(work));
        InsertEvents(batch, Of<EventRaised>(work));
        batch.Add("COMMIT");
        await batch.ExecuteNonQueryAsync();
    }

    // Arrays of arrays cannot be unnested row by row: each goes as the text of an array.
    private static string LotIds(IReadOnlyList<LotShare> lots) => $"{{{string.Join(',', lots.Select(share => share.LotId))}}}";

    private static string LotAmounts(IReadOnlyList<LotShare> lots)
        => $"{{{string.Join(',', lots.Select(share => share.Credits.ToString(CultureInfo.InvariantCulture)))}}}";

    private static List<T> Of<T>(LedgerBatch work) where T : LedgerEntry => [.. work.Entries.OfType<T>()];

    private static void InsertJobs(NpgsqlBatch batch, List<JobOpened> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        batch.Add(LedgerSql.InsertJobs,
            Column(rows, NpgsqlDbType.Text, r => r.Job.TeamId),
            Column(rows, NpgsqlDbType.Uuid, r => r.Job.JobId.Value),
            Column(rows, NpgsqlDbType.Text, r => r.OrganizationId),
            Column(rows, NpgsqlDbType.Text, r => r.Command.JobType),
            Column(rows, NpgsqlDbType.Text, r => r.Command.UserId),
            Column(rows, NpgsqlDbType.Text, r => r.Command.ExternalTaskId),
            Column(rows, NpgsqlDbType.Text, r => r.Command.MetadataJson),
            Column(rows, NpgsqlDbType.Text, r => r.Job.Terms.Mode),
            Column(rows, NpgsqlDbType.Numeric, r => r.Job.Terms.CreditsPerJob),
            Column(rows, NpgsqlDbType.Numeric, r => r.Job.Terms.CreditsPerDollar),
            Column(rows, NpgsqlDbType.Bigint, r => r.Job.Terms.TokensPerCredit),
            Column(rows, NpgsqlDbType.Numeric, r => r.Job.Terms.Increment),
            Column(rows, NpgsqlDbType.Numeric, r => r.Job.Terms.MarkupPercent),
            Column(rows, NpgsqlDbType.Integer, r => r.Job.MaxCalls),
            Column(rows, NpgsqlDbType.Numeric, r => r.Job.MaxCostUsd),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.Job.DeadlineAt),
            Column(rows, NpgsqlDbType.Numeric, r => r.Job.HoldAmount),
            Column(rows, NpgsqlDbType.Text, r => LotIds(r.Job.Lots)),
            Column(rows, NpgsqlDbType.Text, r => LotAmounts(r.Job.Lots)),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.Job.CreatedAt),
            Column(rows, NpgsqlDbType.Bigint, r => r.Job.PriceVersion));
    }

    private static void UpdateJobs(NpgsqlBatch batch, IReadOnlyList<JobState> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        batch.Add(LedgerSql.UpdateJobs,
            Column(rows, NpgsqlDbType.Text, r => r.TeamId),
            Column(rows, NpgsqlDbType.Uuid, r => r.JobId.Value),
            Column(rows, NpgsqlDbType.Text, r => r.Status),
            Column(rows, NpgsqlDbType.Text, r => r.HoldState),
            Column(rows, NpgsqlDbType.Numeric, r => r.SettledAmount),
            Column(rows, NpgsqlDbType.Numeric, r => r.UncollectedCredits),
            Column(rows, NpgsqlDbType.Integer, r => r.StartedCalls),
            Column(rows, NpgsqlDbType.Integer, r => r.SuccessfulCalls),
            Column(rows, NpgsqlDbType.Integer, r => r.FailedCalls),
            Column(rows, NpgsqlDbType.Bigint, r => r.InputTokens),
            Column(rows, NpgsqlDbType.Bigint, r => r.OutputTokens),
            Column(rows, NpgsqlDbType.Numeric, r => r.ProviderCostUsd),
            Column(rows, NpgsqlDbType.Numeric, r => r.ClientCostUsd),
            Column(rows, NpgsqlDbType.Bigint, r => r.LatencyMsSum),
            // Arrays of arrays cannot be unnested row by row; a group's name holds no comma.
            Column(rows, NpgsqlDbType.Text, r => string.Join(',', r.ModelGroupsUsed)),
            Column(rows, NpgsqlDbType.Text, r => r.ErrorMessage),
            Column(rows, NpgsqlDbType.Boolean, r => r.CreditApplied),
            Column(rows, NpgsqlDbType.Text, r => r.CreditReason),
            Column(rows, NpgsqlDbType.Numeric, r => r.CreditsRemaining),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.StartedAt),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.CompletedAt),
            Column(rows, NpgsqlDbType.Text, r => r.MetadataPatch),
            Column(rows, NpgsqlDbType.Numeric, r => r.HoldAmount),
            Column(rows, NpgsqlDbType.Text, r => LotIds(r.Lots)),
            Column(rows, NpgsqlDbType.Text, r => LotAmounts(r.Lots)),
            Column(rows, NpgsqlDbType.Numeric, r => r.RefundedAmount));
    }

    private static void UpdateAccounts(NpgsqlBatch batch, IReadOnlyList<AccountState> rows, DateTimeOffset now)
    {
        if (rows.Count == 0)
        {
            return;
        }

        batch.Add(LedgerSql.UpdateAccounts,
            Column(rows, NpgsqlDbType.Text, r => r.TeamId),
            Column(rows, NpgsqlDbType.Numeric, r => r.Allocated),
            Column(rows, NpgsqlDbType.Numeric, r => r.Used),
            Column(rows, NpgsqlDbType.Numeric, r => r.Held),
            Column(rows, NpgsqlDbType.Numeric, r => r.MonthUsed),
            Column(rows, NpgsqlDbType.Date, r => r.MonthStart),
            Column(rows, NpgsqlDbType.Bigint, r => r.Version),
            Column(rows, NpgsqlDbType.Bigint, r => r.LastSequence),
            Column(rows, NpgsqlDbType.Numeric, r => r.MonthUnchargedUsd),
            Value(now));
    }

    private static void ConfigureAccounts(NpgsqlBatch batch, List<AccountConfigured> rows)
    {
        foreach (var account in rows.Select(row => row.Account))
        {
            batch.Add(LedgerSql.ConfigureAccount,
                Value(account.TeamId),
                Value(account.Terms.Mode),
                Value(account.Terms.CreditsPerJob),
                Value(account.Terms.CreditsPerDollar),
                Value(account.Terms.TokensPerCredit),
                Value(account.Terms.Increment),
                Value(account.Terms.MarkupPercent),
                Value(account.CreditLimit),
                Value(account.LowThresholds.ToArray()),
                Value(account.UnchargedThresholdUsd));
        }
    }

    private static void InsertLots(NpgsqlBatch batch, List<LotGranted> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        batch.Add(LedgerSql.InsertLots,
            Column(rows, NpgsqlDbType.Text, r => r.TeamId),
            Column(rows, NpgsqlDbType.Uuid, r => r.Lot.LotId.Value),
            Column(rows, NpgsqlDbType.Text, r => r.Terms.Source),
            Column(rows, NpgsqlDbType.Text, r => r.Terms.Reference),
            Column(rows, NpgsqlDbType.Smallint, r => (short)r.Lot.Priority),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.Lot.ExpiresAt?.ToUniversalTime()),
            Column(rows, NpgsqlDbType.Numeric, r => r.Terms.CostBasisUsd),
            Column(rows, NpgsqlDbType.Numeric, r => r.Lot.Granted),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.Lot.CreatedAt));
    }

    private static void UpdateLots(NpgsqlBatch batch, IReadOnlyList<(string TeamId, LotState Lot)> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        batch.Add(LedgerSql.UpdateLots,
            Column(rows, NpgsqlDbType.Text, r => r.TeamId),
            Column(rows, NpgsqlDbType.Uuid, r => r.Lot.LotId.Value),
            Column(rows, NpgsqlDbType.Numeric, r => r.Lot.Remaining),
            Column(rows, NpgsqlDbType.Numeric, r => r.Lot.Reserved),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.Lot.ExpiresAt?.ToUniversalTime()));
    }

    private static void InsertTransactions(NpgsqlBatch batch, List<TransactionPosted> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        batch.Add(LedgerSql.InsertTransactions,
            Column(rows, NpgsqlDbType.Text, r => r.Transaction.TeamId),
            Column(rows, NpgsqlDbType.Bigint, r => r.Transaction.Sequence),
            Column(rows, NpgsqlDbType.Uuid, r => r.Transaction.TransactionId.Value),
            Column(rows, NpgsqlDbType.Text, r => r.Transaction.Kind),
            Column(rows, NpgsqlDbType.Numeric, r => r.Transaction.Amount),
            Column(rows, NpgsqlDbType.Numeric, r => r.Transaction.CreditsBefore),
            Column(rows, NpgsqlDbType.Numeric, r => r.Transaction.CreditsAfter),
            Column(rows, NpgsqlDbType.Uuid, r => r.Transaction.JobId?.Value),
            Column(rows, NpgsqlDbType.Text, r => r.Transaction.Reason),
            Column(rows, NpgsqlDbType.Text, r => LotIds(r.Transaction.Lots)),
            Column(rows, NpgsqlDbType.Text, r => LotAmounts(r.Transaction.Lots)),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.Transaction.CreatedAt));
    }

    private static void InsertAttempts(NpgsqlBatch batch, List<AttemptStarted> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        batch.Add(LedgerSql.InsertAttempts,
            Column(rows, NpgsqlDbType.Text, r => r.TeamId),
            Column(rows, NpgsqlDbType.Uuid, r => r.Attempt.AttemptId.Value),
            Column(rows, NpgsqlDbType.Uuid, r => r.CallId.Value),
            Column(rows, NpgsqlDbType.Uuid, r => r.JobId.Value),
            Column(rows, NpgsqlDbType.Integer, r => r.Attempt.Number),
            Column(rows, NpgsqlDbType.Text, r => r.Attempt.ModelName),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.DeadlineAt),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.StartedAt),
            Column(rows, NpgsqlDbType.Bigint, r => r.Attempt.Estimate.Tokens),
            Column(rows, NpgsqlDbType.Numeric, r => r.Attempt.Estimate.ProviderCostUsd));
    }

    private static void CloseAttempts(NpgsqlBatch batch, List<AttemptClosed> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        batch.Add(LedgerSql.CloseAttempts,
            Column(rows, NpgsqlDbType.Text, r => r.TeamId),
            Column(rows, NpgsqlDbType.Uuid, r => r.End.AttemptId.Value),
            Column(rows, NpgsqlDbType.Text, r => r.End.Status),
            Column(rows, NpgsqlDbType.Text, r => r.End.Outcome),
            Column(rows, NpgsqlDbType.Integer, r => r.End.HttpStatus),
            Column(rows, NpgsqlDbType.Text, r => r.End.UpstreamId),
            Column(rows, NpgsqlDbType.Bigint, r => r.End.Usage.Input),
            Column(rows, NpgsqlDbType.Bigint, r => r.End.Usage.CachedInput),
            Column(rows, NpgsqlDbType.Bigint, r => r.End.Usage.Output),
            Column(rows, NpgsqlDbType.Bigint, r => r.End.Usage.Reasoning),
            Column(rows, NpgsqlDbType.Numeric, r => r.End.ProviderCostUsd),
            Column(rows, NpgsqlDbType.Integer, r => r.End.LatencyMs),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.EndedAt),
            Column(rows, NpgsqlDbType.Bigint, r => r.End.Usage.CacheWrite),
            Column(rows, NpgsqlDbType.Text, r => r.End.Evidence?.Source),
            Column(rows, NpgsqlDbType.Numeric, r => r.End.Evidence?.LowUsd),
            Column(rows, NpgsqlDbType.Numeric, r => r.End.Evidence?.HighUsd),
            Column(rows, NpgsqlDbType.Numeric, r => r.End.GatewayCostUsd));
    }

    private static void InsertCalls(NpgsqlBatch batch, List<CallRecorded> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        batch.Add(LedgerSql.InsertCalls,
            Column(rows, NpgsqlDbType.Text, r => r.Call.TeamId),
            Column(rows, NpgsqlDbType.Uuid, r => r.Call.CallId.Value),
            Column(rows, NpgsqlDbType.Uuid, r => r.Call.JobId.Value),
            Column(rows, NpgsqlDbType.Text, r => r.Call.ModelGroup),
            Column(rows, NpgsqlDbType.Text, r => r.Call.Purpose),
            Column(rows, NpgsqlDbType.Text, r => r.Call.ErrorCode is null ? "succeeded" : "failed"),
            Column(rows, NpgsqlDbType.Text, r => r.Call.ResolvedModel),
            Column(rows, NpgsqlDbType.Integer, r => r.Call.Attempts),
            Column(rows, NpgsqlDbType.Bigint, r => r.Call.Usage.Input),
            Column(rows, NpgsqlDbType.Bigint, r => r.Call.Usage.CachedInput),
            Column(rows, NpgsqlDbType.Bigint, r => r.Call.Usage.Output),
            Column(rows, NpgsqlDbType.Bigint, r => r.Call.Usage.Reasoning),
            Column(rows, NpgsqlDbType.Numeric, r => r.Call.ProviderCostUsd),
            Column(rows, NpgsqlDbType.Numeric, r => r.Call.ClientCostUsd),
            Column(rows, NpgsqlDbType.Integer, r => r.Call.LatencyMs),
            Column(rows, NpgsqlDbType.Text, r => r.Call.ErrorCode),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.Call.StartedAt.ToUniversalTime()),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.EndedAt),
            Column(rows, NpgsqlDbType.Bigint, r => r.Call.Usage.CacheWrite),
            Column(rows, NpgsqlDbType.Text, r => r.Call.Evidence?.Source),
            Column(rows, NpgsqlDbType.Numeric, r => r.Call.Evidence?.LowUsd),
            Column(rows, NpgsqlDbType.Numeric, r => r.Call.Evidence?.HighUsd),
            Column(rows, NpgsqlDbType.Numeric, r => r.Call.GatewayCostUsd));
    }

    private static void InsertEvents(NpgsqlBatch batch, List<EventRaised> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        batch.Add(LedgerSql.InsertEvents,
            Column(rows, NpgsqlDbType.Uuid, r => r.MessageId),
            Column(rows, NpgsqlDbType.Text, r => r.TeamId),
            Column(rows, NpgsqlDbType.Text, r => r.Topic),
            Column(rows, NpgsqlDbType.Text, r => r.DedupeKey),
            Column(rows, NpgsqlDbType.Text, r => r.PayloadJson),
            Column(rows, NpgsqlDbType.TimestampTz, r => r.OccurredAt));
    }
}
