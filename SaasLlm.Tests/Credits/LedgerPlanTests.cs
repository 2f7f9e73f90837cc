using Npgsql;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Tests.Credits;

/// <summary>
/// On empty tables Postgres prefers a sequential scan, and a cached plan keeps it when they have grown: the writer once fell
/// to a quarter of its speed that way. Its settings keep every plan on the indexes.
/// </summary>
public sealed class LedgerPlanTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    public static TheoryData<string, string> Statements => new()
    {
        { nameof(LedgerSql.LockAccounts), "text[]" },
        { nameof(LedgerSql.LockJobs), "text[], uuid[]" },
        { nameof(LedgerSql.RunningAttempts), "text[], uuid[], uuid" },
        { nameof(LedgerSql.RecordedCalls), "text[], uuid[]" },
        { nameof(LedgerSql.PostedTransactions), "text[], uuid[]" },
        { nameof(LedgerSql.UpdateAccounts), "text[], numeric[], numeric[], numeric[], numeric[], date[], bigint[], bigint[], numeric[], timestamptz" },
        { nameof(LedgerSql.OpenLots), "text[]" },
        { nameof(LedgerSql.BurnedLots), "text[], uuid[]" },
        { nameof(LedgerSql.GrantedLots), "text[], text[], text[]" },
        { nameof(LedgerSql.UpdateLots), "text[], uuid[], numeric[], numeric[], timestamptz[]" },
        { nameof(LedgerSql.UpdateJobs), "text[], uuid[], text[], text[], numeric[], numeric[], int[], int[], int[], bigint[], bigint[], numeric[], numeric[], bigint[], text[], text[], bool[], text[], numeric[], timestamptz[], timestamptz[], text[], numeric[], text[], text[], numeric[]" },
        { nameof(LedgerSql.CloseAttempts), "text[], uuid[], text[], text[], int[], text[], bigint[], bigint[], bigint[], bigint[], numeric[], int[], timestamptz[], bigint[], text[], numeric[], numeric[], numeric[]" },
    };

    [Theory]
    [MemberData(nameof(Statements))]
    public async Task On_empty_tables_the_writers_plans_use_the_indexes(string name, string types)
    {
        var sql = (string)typeof(LedgerSql).GetField(name)!.GetRawConstantValue()!;
        await using var connection = new NpgsqlConnection(stores.Postgres);
        await connection.OpenAsync();
        await ExecuteAsync(connection, LedgerSql.Settings);
        await ExecuteAsync(connection, $"PREPARE statement ({types}) AS {sql}");
        var nulls = string.Join(", ", types.Split(", ").Select(type => type switch
        {
            "uuid" => "'00000000-0000-0000-0000-000000000000'",
            "timestamptz" => "now()",
            _ => "'{}'",
        }));

        await using var explain = new NpgsqlCommand($"EXPLAIN EXECUTE statement ({nulls})", connection);
        await using var rows = await explain.ExecuteReaderAsync();
        List<string> plan = [];
        while (await rows.ReadAsync())
        {
            plan.Add(rows.GetString(0));
        }

        Assert.Contains(plan, line => line.Contains("Index", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("Seq Scan", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("Hash Join", StringComparison.Ordinal) || line.Contains("Merge Join", StringComparison.Ordinal));
    }

    // No ANALYZE helps here: the plans must follow the tables' growth by themselves. Each row read by an index is counted.
    [Fact]
    public async Task While_the_tables_grow_a_command_reads_its_own_rows_only()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        string[] tables = ["jobs", "team_credits", "credit_lots", "credit_transactions"];
        await Task.WhenAll(tables.Select(table => api.ExecuteAsync($"ALTER TABLE {table} SET (autovacuum_enabled = off)")));
        // A summary of an index by blocks is the server's own work, and counts as rows of a scan.
        await api.ExecuteAsync("ALTER INDEX ix_jobs_completed SET (autosummarize = off)");
        var team = await api.CreateTeamAsync(1_000_000);
        await RunJobsAsync(2000);
        await Task.Delay(TimeSpan.FromSeconds(5.1));
        await RunJobsAsync(10);
        var before = await ReportedAsync(2010);

        await RunJobsAsync(1000);

        await api.Writer.DisposeAsync();
        Assert.InRange(await ReportedAsync(3010) - before, 1000, 8 * 1000);
        Assert.Equal(0L, await api.ScalarAsync<long>("SELECT seq_tup_read::bigint FROM pg_stat_user_tables WHERE relname = 'jobs'"));

        // The writer's backend reports what it counted when it has been idle for a second, and when it ends.
        async Task<long> ReportedAsync(long jobs)
        {
            await Infrastructure.Eventually.IsSoAsync(
                async () => await api.ScalarAsync<long>("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'jobs'") >= jobs,
                () => $"The {jobs} jobs were not reported", TimeSpan.FromMilliseconds(300));
            // The indexes are reported with the table, one after the other.
            for (var read = await ReadAsync(); ; read = await ReadAsync())
            {
                await Task.Delay(300);
                if (await ReadAsync() == read)
                {
                    return read;
                }
            }
        }

        Task<long> ReadAsync() => api.ScalarAsync<long>("SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname = 'jobs'");

        Task RunJobsAsync(int count) => Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (_, _) =>
            Assert.True((await api.CloseAsync(team, await api.OpenedAsync(team))).Value.CreditApplied));
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
