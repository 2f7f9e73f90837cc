using System.Globalization;
using Npgsql;
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

    // A group's name holds no comma.
    private static string Groups(JobState job) => string.Join(',', job.ModelGroupsUsed);

    private static List<T> Of<T>(LedgerBatch work) where T : LedgerEntry => [.. work.Entries.OfType<T>()];

    private static void InsertJobs(NpgsqlBatch batch, List<JobOpened> rows)
        => batch.AddRows(LedgerSql.InsertJobs, rows)?
            .Text(r => r.Job.TeamId)
            .Uuid(r => r.Job.JobId.Value)
            .Text(r => r.OrganizationId)
            .Text(r => r.Command.JobType)
            .Text(r => r.Command.UserId)
            .Text(r => r.Command.ExternalTaskId)
            .Text(r => r.Command.MetadataJson)
            .Text(r => r.Job.Terms.Mode)
            .Numeric(r => r.Job.Terms.CreditsPerJob)
            .Numeric(r => r.Job.Terms.CreditsPerDollar)
            .Bigint(r => r.Job.Terms.TokensPerCredit)
            .Numeric(r => r.Job.Terms.Increment)
            .Numeric(r => r.Job.Terms.MarkupPercent)
            .Integer(r => r.Job.MaxCalls)
            .Numeric(r => r.Job.MaxCostUsd)
            .TimestampTz(r => r.Job.DeadlineAt)
            .Numeric(r => r.Job.HoldAmount)
            .Text(r => LotIds(r.Job.Lots))
            .Text(r => LotAmounts(r.Job.Lots))
            .TimestampTz(r => r.Job.CreatedAt)
            .Text(r => r.Job.Status)
            .Integer(r => r.Job.StartedCalls)
            .TimestampTz(r => r.Job.StartedAt)
            .Text(r => Groups(r.Job))
            .Bigint(r => r.Job.PriceVersion)
            .Boolean(r => r.Job.RunsItself);

    private static void UpdateJobs(NpgsqlBatch batch, IReadOnlyList<JobState> rows)
        => batch.AddRows(LedgerSql.UpdateJobs, rows)?
            .Text(r => r.TeamId)
            .Uuid(r => r.JobId.Value)
            .Text(r => r.Status)
            .Text(r => r.HoldState)
            .Numeric(r => r.SettledAmount)
            .Numeric(r => r.UncollectedCredits)
            .Integer(r => r.StartedCalls)
            .Integer(r => r.SuccessfulCalls)
            .Integer(r => r.FailedCalls)
            .Bigint(r => r.InputTokens)
            .Bigint(r => r.OutputTokens)
            .Numeric(r => r.ProviderCostUsd)
            .Numeric(r => r.ClientCostUsd)
            .Bigint(r => r.LatencyMsSum)
            .Text(Groups)
            .Text(r => r.ErrorMessage)
            .Boolean(r => r.CreditApplied)
            .Text(r => r.CreditReason)
            .Numeric(r => r.CreditsRemaining)
            .TimestampTz(r => r.StartedAt)
            .TimestampTz(r => r.CompletedAt)
            .Text(r => r.MetadataPatch)
            .Numeric(r => r.HoldAmount)
            .Text(r => LotIds(r.Lots))
            .Text(r => LotAmounts(r.Lots))
            .Numeric(r => r.RefundedAmount);

    private static void UpdateAccounts(NpgsqlBatch batch, IReadOnlyList<AccountState> rows, DateTimeOffset now)
        => batch.AddRows(LedgerSql.UpdateAccounts, rows)?
            .Text(r => r.TeamId)
            .Numeric(r => r.Allocated)
            .Numeric(r => r.Used)
            .Numeric(r => r.Held)
            .Numeric(r => r.MonthUsed)
            .Date(r => r.MonthStart)
            .Bigint(r => r.Version)
            .Bigint(r => r.LastSequence)
            .Numeric(r => r.MonthUnchargedUsd)
            .Value(now);

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
        => batch.AddRows(LedgerSql.InsertLots, rows)?
            .Text(r => r.TeamId)
            .Uuid(r => r.Lot.LotId.Value)
            .Text(r => r.Terms.Source)
            .Text(r => r.Terms.Reference)
            .Smallint(r => (short)r.Lot.Priority)
            .TimestampTz(r => r.Lot.ExpiresAt?.ToUniversalTime())
            .Numeric(r => r.Terms.CostBasisUsd)
            .Numeric(r => r.Lot.Granted)
            .TimestampTz(r => r.Lot.CreatedAt);

    private static void UpdateLots(NpgsqlBatch batch, IReadOnlyList<(string TeamId, LotState Lot)> rows)
        => batch.AddRows(LedgerSql.UpdateLots, rows)?
            .Text(r => r.TeamId)
            .Uuid(r => r.Lot.LotId.Value)
            .Numeric(r => r.Lot.Remaining)
            .Numeric(r => r.Lot.Reserved)
            .TimestampTz(r => r.Lot.ExpiresAt?.ToUniversalTime());

    private static void InsertTransactions(NpgsqlBatch batch, List<TransactionPosted> rows)
        => batch.AddRows(LedgerSql.InsertTransactions, rows)?
            .Text(r => r.Transaction.TeamId)
            .Bigint(r => r.Transaction.Sequence)
            .Uuid(r => r.Transaction.TransactionId.Value)
            .Text(r => r.Transaction.Kind)
            .Numeric(r => r.Transaction.Amount)
            .Numeric(r => r.Transaction.CreditsBefore)
            .Numeric(r => r.Transaction.CreditsAfter)
            .Uuid(r => r.Transaction.JobId?.Value)
            .Text(r => r.Transaction.Reason)
            .Text(r => LotIds(r.Transaction.Lots))
            .Text(r => LotAmounts(r.Transaction.Lots))
            .TimestampTz(r => r.Transaction.CreatedAt);

    private static void InsertAttempts(NpgsqlBatch batch, List<AttemptStarted> rows)
        => batch.AddRows(LedgerSql.InsertAttempts, rows)?
            .Text(r => r.TeamId)
            .Uuid(r => r.Attempt.AttemptId.Value)
            .Uuid(r => r.CallId.Value)
            .Uuid(r => r.JobId.Value)
            .Integer(r => r.Attempt.Number)
            .Text(r => r.Attempt.ModelName)
            .TimestampTz(r => r.DeadlineAt)
            .TimestampTz(r => r.StartedAt)
            .Bigint(r => r.Attempt.Estimate.Tokens)
            .Numeric(r => r.Attempt.Estimate.ProviderCostUsd);

    private static void CloseAttempts(NpgsqlBatch batch, List<AttemptClosed> rows)
        => batch.AddRows(LedgerSql.CloseAttempts, rows)?
            .Text(r => r.TeamId)
            .Uuid(r => r.End.AttemptId.Value)
            .Text(r => r.End.Status)
            .Text(r => r.End.Outcome)
            .Integer(r => r.End.HttpStatus)
            .Text(r => r.End.UpstreamId)
            .Bigint(r => r.End.Usage.Input)
            .Bigint(r => r.End.Usage.CachedInput)
            .Bigint(r => r.End.Usage.Output)
            .Bigint(r => r.End.Usage.Reasoning)
            .Numeric(r => r.End.ProviderCostUsd)
            .Integer(r => r.End.LatencyMs)
            .TimestampTz(r => r.EndedAt)
            .Bigint(r => r.End.Usage.CacheWrite)
            .Text(r => r.End.Evidence?.Source)
            .Numeric(r => r.End.Evidence?.LowUsd)
            .Numeric(r => r.End.Evidence?.HighUsd)
            .Numeric(r => r.End.GatewayCostUsd);

    private static void InsertCalls(NpgsqlBatch batch, List<CallRecorded> rows)
        => batch.AddRows(LedgerSql.InsertCalls, rows)?
            .Text(r => r.Call.TeamId)
            .Uuid(r => r.Call.CallId.Value)
            .Uuid(r => r.Call.JobId.Value)
            .Text(r => r.Call.ModelGroup)
            .Text(r => r.Call.Purpose)
            .Text(r => r.Call.ErrorCode is null ? "succeeded" : "failed")
            .Text(r => r.Call.ResolvedModel)
            .Integer(r => r.Call.Attempts)
            .Bigint(r => r.Call.Usage.Input)
            .Bigint(r => r.Call.Usage.CachedInput)
            .Bigint(r => r.Call.Usage.Output)
            .Bigint(r => r.Call.Usage.Reasoning)
            .Numeric(r => r.Call.ProviderCostUsd)
            .Numeric(r => r.Call.ClientCostUsd)
            .Integer(r => r.Call.LatencyMs)
            .Text(r => r.Call.ErrorCode)
            .TimestampTz(r => r.Call.StartedAt.ToUniversalTime())
            .TimestampTz(r => r.EndedAt)
            .Bigint(r => r.Call.Usage.CacheWrite)
            .Text(r => r.Call.Evidence?.Source)
            .Numeric(r => r.Call.Evidence?.LowUsd)
            .Numeric(r => r.Call.Evidence?.HighUsd)
            .Numeric(r => r.Call.GatewayCostUsd);

    private static void InsertEvents(NpgsqlBatch batch, List<EventRaised> rows)
        => batch.AddRows(LedgerSql.InsertEvents, rows)?
            .Uuid(r => r.MessageId)
            .Text(r => r.TeamId)
            .Text(r => r.Topic)
            .Text(r => r.DedupeKey)
            .Text(r => r.PayloadJson)
            .TimestampTz(r => r.OccurredAt);
}
