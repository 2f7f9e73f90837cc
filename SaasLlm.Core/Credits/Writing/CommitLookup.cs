using Npgsql;
using SaasLlm.Core.Credits.Rules;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>Finds out whether a COMMIT whose reply was lost took effect: on a new connection, by the rows it would have added.</summary>
internal sealed class CommitLookup(NpgsqlDataSource source, TimeProvider time, LedgerOptions options)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1);

    // The old backend may still be at it, or wait for a client that is gone: nothing is known before its transaction is over.
    private const string EndOldBackend = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2 AND pid <> pg_backend_pid()
        """;

    private const string Status = "SELECT pg_xact_status($1::xid8)";

    private const string Rows = """
        SELECT (SELECT count(*) FROM jobs WHERE team_id = ANY ($1) AND job_id = ANY ($2))
             + (SELECT count(*) FROM credit_transactions WHERE team_id = ANY ($1) AND transaction_id = ANY ($2) AND kind <> 'deduction')
             + (SELECT count(*) FROM llm_attempts WHERE team_id = ANY ($1) AND attempt_id = ANY ($2))
             + (SELECT count(*) FROM llm_calls WHERE team_id = ANY ($1) AND call_id = ANY ($2))
             + (SELECT count(*) FROM outbox WHERE message_id = ANY ($2))
        """;

    /// <summary>True or false; null when Postgres did not answer in time.</summary>
    public async Task<bool?> WasCommittedAsync(LedgerBatch work, int processId, DateTime backendStartedAt)
    {
        var lost = time.GetUtcNow();
        var until = lost + options.LookUpPatience;
        while (true)
        {
            try
            {
                if (await TryAsync(work, processId, backendStartedAt, isEnded: time.GetUtcNow() >= lost + s_grace) is { } known)
                {
                    return known;
                }
            }
            catch (Exception exception) when (Data.StoreErrors.IsUnavailable(exception))
            {
                // Asked again below, until patience ends.
            }

            if (time.GetUtcNow() >= until)
            {
                return null;
            }

            await Task.Delay(s_pause, time);
        }
    }

    private async Task<bool?> TryAsync(LedgerBatch work, int processId, DateTime backendStartedAt, bool isEnded)
    {
        await using var connection = await source.OpenConnectionAsync();
        if (isEnded)
        {
            await ScalarAsync(connection, EndOldBackend, Sql.Value(processId), Sql.Value(backendStartedAt));
        }

        var status = await ScalarAsync(connection, Status, Sql.Value(work.Transaction)) as string;
        if (status == "in progress")
        {
            return null;
        }

        var (teams, ids) = Ids(work);
        return ids.Length == 0
            ? status == "committed"
            : await ScalarAsync(connection, Rows, Sql.Value(teams), Sql.Value(ids)) is long and > 0;
    }

    private static (string[] Teams, Guid[] Ids) Ids(LedgerBatch work)
    {
        List<(string Team, Guid Id)> rows = [];
        foreach (var entry in work.Entries)
        {
            switch (entry)
            {
                case JobOpened opened: rows.Add((opened.Job.TeamId, opened.Job.JobId.Value)); break;
                case TransactionPosted posted: rows.Add((posted.Transaction.TeamId, posted.Transaction.TransactionId.Value)); break;
                case AttemptStarted started: rows.Add((started.TeamId, started.Attempt.AttemptId.Value)); break;
                case CallRecorded call: rows.Add((call.Call.TeamId, call.Call.CallId.Value)); break;
                case EventRaised raised: rows.Add((raised.TeamId, raised.MessageId)); break;
            }
        }

        return ([.. rows.Select(row => row.Team).Distinct()], [.. rows.Select(row => row.Id)]);
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteScalarAsync();
    }
}
