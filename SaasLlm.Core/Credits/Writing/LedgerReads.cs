using Npgsql;
using NpgsqlTypes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Rules;
using static SaasLlm.Core.Credits.Writing.Sql;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>
/// Begins a transaction, locks what a batch's commands concern, and reads it, in one round trip; in one more, which attempts run of
/// the jobs that have unfinished calls.
/// </summary>
internal static class LedgerReads
{
    public static async Task<LedgerBatch> BeginAsync(
        NpgsqlConnection connection, IReadOnlyList<LedgerCommand> commands, bool isReplanned)
    {
        var scopes = commands.Select(command => command.Scope).ToList();
        var accounts = scopes.Where(scope => scope.LocksAccount).Select(scope => scope.TeamId).Distinct().ToList();
        var jobs = Distinct(scopes, scope => scope.Job);
        var calls = Distinct(scopes, scope => scope.EndsCall);
        var posts = Distinct(scopes, scope => scope.Posts);
        var grants = Distinct(scopes, scope => scope.Grants);
        var burned = Distinct(scopes, scope => scope.NeedsBurnedLots ? scope.Job : null);

        await using var batch = new NpgsqlBatch(connection);
        List<Action<NpgsqlDataReader, LedgerBatch>> reads = [];
        if (isReplanned)
        {
            batch.Add("DISCARD PLANS");
        }

        batch.Add("BEGIN");
        Ask(accounts.Count, LedgerSql.LockAccounts, ReadAccount, () => [Column(accounts, NpgsqlDbType.Text, id => id)]);
        Ask(accounts.Count, LedgerSql.OpenLots, ReadLot, () => [Column(accounts, NpgsqlDbType.Text, id => id)]);
        Ask(jobs.Count, LedgerSql.LockJobs, ReadJob, () => Keys(jobs, job => job.Value));
        Ask(calls.Count, LedgerSql.RecordedCalls, ReadCall, () => Keys(calls, call => call.Value));
        Ask(posts.Count, LedgerSql.PostedTransactions, ReadPosted, () => Keys(posts, id => id.Value));
        Ask(grants.Count, LedgerSql.GrantedLots, ReadGrant, () => [
            Column(grants, NpgsqlDbType.Text, grant => grant.Team),
            Column(grants, NpgsqlDbType.Text, grant => grant.Id.Source),
            Column(grants, NpgsqlDbType.Text, grant => grant.Id.Reference)]);
        Ask(burned.Count, LedgerSql.BurnedLots, ReadLot, () => Keys(burned, job => job.Value));
        batch.Add(LedgerSql.Clock);

        var result = await ReadAllAsync(batch, reads);
        var running = Distinct(scopes, scope => result.MayRunOtherCalls(scope) ? scope.Job : null);
        if (running.Count > 0)
        {
            await ReadRunningAsync(connection, running, result);
        }

        return result;

        void Ask(int count, string sql, Action<NpgsqlDataReader, LedgerBatch> read, Func<NpgsqlParameter[]> parameters)
        {
            if (count > 0)
            {
                batch.Add(sql, parameters());
                reads.Add(read);
            }
        }
    }

    private static async Task<LedgerBatch> ReadAllAsync(NpgsqlBatch batch, List<Action<NpgsqlDataReader, LedgerBatch>> reads)
    {
        await using var reader = await batch.ExecuteReaderAsync();
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

    // Asked for only where a call runs: the look-up touches every partition of the attempts, and most jobs that end have none open.
    private static async Task ReadRunningAsync(NpgsqlConnection connection, List<(string Team, JobId Id)> jobs, LedgerBatch result)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(LedgerSql.RunningAttempts, [.. Keys(jobs, job => job.Value), Value(EarliestAttempt(jobs))]);
        await using var reader = await batch.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            ReadRunning(reader, result);
        }
    }

    private static void ReadAccount(NpgsqlDataReader row, LedgerBatch batch) => batch.Add(new AccountState(
        row.GetString(0), row.GetString(1), row.GetBoolean(2), row.GetDecimal(3), row.GetDecimal(4), row.GetDecimal(5), Terms(row, 6),
        Optional(row, 12), row.GetDecimal(13), row.GetFieldValue<DateOnly>(14), row.GetInt64(15), row.GetInt64(16))
    {
        LowThresholds = row.GetFieldValue<decimal[]>(17),
        MonthUnchargedUsd = row.GetDecimal(18),
        UnchargedThresholdUsd = Optional(row, 19),
        RaisesJobEvents = row.GetBoolean(20),
    });

    private static BudgetTerms Terms(NpgsqlDataReader row, int first) => new(
        row.GetString(first), row.GetDecimal(first + 1), row.GetDecimal(first + 2), row.GetInt64(first + 3), row.GetDecimal(first + 4),
        row.GetDecimal(first + 5));

    private static void ReadLot(NpgsqlDataReader row, LedgerBatch batch) => batch.AddLot(row.GetString(0), new(
        new(row.GetGuid(1)), row.GetInt16(2), row.IsDBNull(3) ? null : Time(row, 3), Time(row, 4), row.GetDecimal(5), row.GetDecimal(6), row.GetDecimal(7)));

    private static void ReadJob(NpgsqlDataReader row, LedgerBatch batch) => batch.Add(new JobState(
        row.GetString(0), new(row.GetGuid(1)), row.GetBoolean(2), row.GetString(3), Terms(row, 4), row.GetInt32(10), Optional(row, 11),
        Time(row, 12), Time(row, 13), row.GetDecimal(14))
    {
        Lots = Shares(row, 15),
        RefundedAmount = row.GetDecimal(17),
        HoldState = row.GetString(18),
        SettledAmount = row.GetDecimal(19),
        UncollectedCredits = row.GetDecimal(20),
        StartedCalls = row.GetInt32(21),
        SuccessfulCalls = row.GetInt32(22),
        FailedCalls = row.GetInt32(23),
        InputTokens = row.GetInt64(24),
        OutputTokens = row.GetInt64(25),
        ProviderCostUsd = row.GetDecimal(26),
        ClientCostUsd = row.GetDecimal(27),
        LatencyMsSum = row.GetInt64(28),
        ModelGroupsUsed = row.GetFieldValue<string[]>(29),
        ErrorMessage = row.IsDBNull(30) ? null : row.GetString(30),
        CreditApplied = row.GetBoolean(31),
        CreditReason = row.IsDBNull(32) ? null : row.GetString(32),
        CreditsRemaining = Optional(row, 33),
        StartedAt = row.IsDBNull(34) ? null : Time(row, 34),
        CompletedAt = row.IsDBNull(35) ? null : Time(row, 35),
        PriceVersion = row.GetInt64(36),
        RunsItself = row.GetBoolean(37),
        JobType = row.IsDBNull(38) ? null : row.GetString(38),
        UserId = row.IsDBNull(39) ? null : row.GetString(39),
        ExternalTaskId = row.IsDBNull(40) ? null : row.GetString(40),
        RaisesEvents = row.GetBoolean(41),
    });

    private static void ReadRunning(NpgsqlDataReader row, LedgerBatch batch) => batch.AddRunning(row.GetString(0), new(row.GetGuid(1)), new(
        new(row.GetGuid(2)), new(row.GetGuid(3)), Time(row, 4), row.GetInt64(5), row.GetDecimal(6)));

    private static void ReadCall(NpgsqlDataReader row, LedgerBatch batch) => batch.AddRecordedCall(row.GetString(0), new(row.GetGuid(1)));

    private static void ReadPosted(NpgsqlDataReader row, LedgerBatch batch) => batch.AddPosted(Transaction(row));

    private static void ReadGrant(NpgsqlDataReader row, LedgerBatch batch)
        => batch.AddGranted(new(row.GetString(12), row.GetString(13)), Transaction(row));

    private static PostedTransaction Transaction(NpgsqlDataReader row) => new(
        new(row.GetGuid(0)), row.GetString(1), row.GetInt64(2), row.GetString(3), row.GetDecimal(4), row.GetDecimal(5), row.GetDecimal(6),
        row.IsDBNull(7) ? null : new JobId(row.GetGuid(7)), row.GetString(8), Shares(row, 9), Time(row, 11));

    private static LotShare[] Shares(NpgsqlDataReader row, int first)
        => [.. row.GetFieldValue<Guid[]>(first).Zip(row.GetFieldValue<decimal[]>(first + 1), (lot, credits) => new LotShare(new(lot), credits))];

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
