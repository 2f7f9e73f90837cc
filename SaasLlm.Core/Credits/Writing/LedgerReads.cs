using Npgsql;
using NpgsqlTypes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Rules;
using static SaasLlm.Core.Credits.Writing.Sql;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>Begins a transaction, locks what a batch's commands concern, and reads it, in one round trip.</summary>
internal static class LedgerReads
{
    public static async Task<LedgerBatch> BeginAsync(
        NpgsqlConnection connection, IReadOnlyList<LedgerCommand> commands, bool isReplanned)
    {
        var scopes = commands.Select(command => command.Scope).ToList();
        var accounts = scopes.Where(scope => scope.LocksAccount).Select(scope => scope.TeamId).Distinct().ToList();
        var jobs = Distinct(scopes, scope => scope.Job);
        var running = Distinct(scopes, scope => scope.NeedsRunning ? scope.Job : null);
        var calls = Distinct(scopes, scope => scope.EndsCall);
        var posts = Distinct(scopes, scope => scope.Posts);

        await using var batch = new NpgsqlBatch(connection);
        List<Action<NpgsqlDataReader, LedgerBatch>> reads = [];
        if (isReplanned)
        {
            batch.Add("DISCARD PLANS");
        }

        batch.Add("BEGIN");
        Ask(accounts.Count, LedgerSql.LockAccounts, ReadAccount, () => [Column(accounts, NpgsqlDbType.Text, id => id)]);
        Ask(jobs.Count, LedgerSql.LockJobs, ReadJob, () => Keys(jobs, job => job.Value));
        Ask(running.Count, LedgerSql.RunningAttempts, ReadRunning, () => [.. Keys(running, job => job.Value), Value(EarliestAttempt(running))]);
        Ask(calls.Count, LedgerSql.RecordedCalls, ReadCall, () => Keys(calls, call => call.Value));
        Ask(posts.Count, LedgerSql.PostedTransactions, ReadPosted, () => Keys(posts, id => id.Value));
        batch.Add(LedgerSql.Clock);

        await using var reader = await batch.ExecuteReaderAsync();
        return await ReadAllAsync(reader, reads);

        void Ask(int count, string sql, Action<NpgsqlDataReader, LedgerBatch> read, Func<NpgsqlParameter[]> parameters)
        {
            if (count > 0)
            {
                batch.Add(sql, parameters());
                reads.Add(read);
            }
        }
    }

    private static async Task<LedgerBatch> ReadAllAsync(NpgsqlDataReader reader, List<Action<NpgsqlDataReader, LedgerBatch>> reads)
    {
        var result = new LedgerBatch();
        foreach (var read in reads)
        {
            while (await reader.ReadAsync())
            {
                read(reader, result);
            }

            await reader.NextResultAsync();
        }

        await reader.ReadAsync();
        result.Begin(Time(reader, 0), reader.GetString(1));
        return result;
    }

    private static void ReadAccount(NpgsqlDataReader row, LedgerBatch batch) => batch.Add(new AccountState(
        row.GetString(0), row.GetString(1), row.GetBoolean(2), row.GetDecimal(3), row.GetDecimal(4), row.GetDecimal(5), row.GetString(6),
        row.GetDecimal(7), row.GetDecimal(8), Optional(row, 9), row.GetDecimal(10), row.GetFieldValue<DateOnly>(11), row.GetInt64(12), row.GetInt64(13)));

    private static void ReadJob(NpgsqlDataReader row, LedgerBatch batch) => batch.Add(new JobState(
        row.GetString(0), new(row.GetGuid(1)), row.GetBoolean(2), row.GetString(3), row.GetDecimal(4), row.GetDecimal(5), row.GetInt32(6),
        Time(row, 7), Time(row, 8), row.GetDecimal(9))
    {
        HoldState = row.GetString(10),
        SettledAmount = row.GetDecimal(11),
        UncollectedCredits = row.GetDecimal(12),
        StartedCalls = row.GetInt32(13),
        SuccessfulCalls = row.GetInt32(14),
        FailedCalls = row.GetInt32(15),
        InputTokens = row.GetInt64(16),
        OutputTokens = row.GetInt64(17),
        ProviderCostUsd = row.GetDecimal(18),
        ClientCostUsd = row.GetDecimal(19),
        LatencyMsSum = row.GetInt64(20),
        ModelGroupsUsed = row.GetFieldValue<string[]>(21),
        ErrorMessage = row.IsDBNull(22) ? null : row.GetString(22),
        CreditApplied = row.GetBoolean(23),
        CreditReason = row.IsDBNull(24) ? null : row.GetString(24),
        CreditsRemaining = Optional(row, 25),
        StartedAt = row.IsDBNull(26) ? null : Time(row, 26),
        CompletedAt = row.IsDBNull(27) ? null : Time(row, 27),
    });

    private static void ReadRunning(NpgsqlDataReader row, LedgerBatch batch)
        => batch.AddRunning(row.GetString(0), new(row.GetGuid(1)), new(new(row.GetGuid(2)), new(row.GetGuid(3)), Time(row, 4)));

    private static void ReadCall(NpgsqlDataReader row, LedgerBatch batch) => batch.AddRecordedCall(row.GetString(0), new(row.GetGuid(1)));

    private static void ReadPosted(NpgsqlDataReader row, LedgerBatch batch) => batch.AddPosted(new(
        new(row.GetGuid(0)), row.GetString(1), row.GetInt64(2), row.GetString(3), row.GetDecimal(4), row.GetDecimal(5), row.GetDecimal(6),
        row.IsDBNull(7) ? null : new JobId(row.GetGuid(7)), row.GetString(8), Time(row, 9)));

    private static List<(string Team, T Id)> Distinct<T>(List<CommandScope> scopes, Func<CommandScope, T?> id) where T : struct
        => [.. scopes.Where(scope => id(scope) is not null).Select(scope => (scope.TeamId, id(scope)!.Value)).Distinct()];

    private static NpgsqlParameter[] Keys<T>(List<(string Team, T Id)> keys, Func<T, Guid> id)
        => [Column(keys, NpgsqlDbType.Text, key => key.Team), Column(keys, NpgsqlDbType.Uuid, key => id(key.Id))];

    // Ids are ordered by the clocks of the machines that made them; a day is more than those differ.
    private static Guid EarliestAttempt(List<(string Team, JobId Id)> jobs)
    {
        var earliest = jobs.Min(job => Convert.ToInt64(job.Id.Value.ToString("N")[..12], 16));
        var floor = Math.Max(0, earliest - (long)TimeSpan.FromDays(1).TotalMilliseconds);
        return Guid.ParseExact(floor.ToString("x12", System.Globalization.CultureInfo.InvariantCulture).PadRight(32, '0'), "N");
    }

    private static DateTimeOffset Time(NpgsqlDataReader row, int column) => row.GetFieldValue<DateTimeOffset>(column);

    private static decimal? Optional(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetDecimal(column);
}
