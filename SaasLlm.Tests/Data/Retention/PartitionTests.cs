using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Data;
using SaasLlm.Core.Data.Retention;
using SaasLlm.Tests.Background;

namespace SaasLlm.Tests.Data.Retention;

/// <summary>Parts are made while others work with their tables: nobody waits for somebody who waits for him.</summary>
public sealed class PartitionTests(Infrastructure.AppFixture app) : IAsyncLifetime
{
    private const string Months = "llm_calls";
    private const string Weeks = "llm_call_bodies";

    private TaskDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await TaskDatabase.CreateAsync(app);

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    // It locks the table, then, as it comes to them, its parts; meanwhile a part takes over its rows from the default one, and another is made.
    [Theory]
    [InlineData(Months)]
    [InlineData(Weeks)]
    public async Task Who_reads_and_who_makes_parts_both_come_to_their_end(string table)
    {
        var make = await StrayRowsAsync(table);
        await using var reader = await WorkerAsync($"LOCK TABLE ONLY {table} IN ACCESS SHARE MODE");

        var making = _database.ExecuteAsync(make);
        await WaitForBlockedAsync(reader, count: 1);
        await using (var command = new NpgsqlCommand($"SELECT count(*) FROM {table}", reader))
        {
            Assert.Equal(2L, await command.ExecuteScalarAsync());
        }

        await CommitAsync(reader);
        await making;
        await AssertMovedAsync(table);
    }

    [Theory]
    [InlineData(Months)]
    [InlineData(Weeks)]
    public async Task Two_who_make_the_same_parts_both_come_to_their_end(string table)
    {
        var make = await StrayRowsAsync(table);
        await using var reader = await WorkerAsync($"LOCK TABLE ONLY {table} IN ACCESS SHARE MODE");

        var making = new[] { _database.ExecuteAsync(make), _database.ExecuteAsync(make) };
        await WaitForBlockedAsync(reader, count: 2);
        await CommitAsync(reader);

        await Task.WhenAll(making);
        await AssertMovedAsync(table);
    }

    // The ledger takes calls before attempts; the pass, attempts before calls.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_works_in_several_tables_waits_for_none_that_is_done(bool isPass)
    {
        await DropLastMonthAsync();
        await using var writer = await WorkerAsync("LOCK TABLE ONLY llm_calls IN ROW EXCLUSIVE MODE");

        var making = isPass ? Pass(TimeSpan.FromMinutes(1)).RunAsync(default) : MigrateAsync();
        await WaitForBlockedAsync(writer, count: 1);
        await using (var command = new NpgsqlCommand("LOCK TABLE ONLY llm_attempts IN ROW EXCLUSIVE MODE NOWAIT", writer))
        {
            await command.ExecuteNonQueryAsync();
        }

        await CommitAsync(writer);
        await making;
        Assert.True(await HasLastMonthAsync("llm_attempts") && await HasLastMonthAsync("llm_calls"));
    }

    [Fact]
    public async Task A_table_in_use_gets_its_part_later_and_the_others_theirs_at_once()
    {
        await DropLastMonthAsync();
        await using var reader = await WorkerAsync("LOCK TABLE ONLY llm_attempts IN ACCESS SHARE MODE");

        Assert.False(await Pass(TimeSpan.FromMilliseconds(50)).RunAsync(default));
        Assert.False(await HasLastMonthAsync("llm_attempts"));
        Assert.True(await HasLastMonthAsync("llm_calls"));

        await CommitAsync(reader);
        Assert.False(await Pass(TimeSpan.FromMilliseconds(50)).RunAsync(default));
        Assert.True(await HasLastMonthAsync("llm_attempts"));
    }

    [Theory]
    [InlineData(Months)]
    [InlineData(Weeks)]
    public async Task A_part_stands_beside_its_table_wherever_the_search_path_leads(string table)
    {
        var make = await StrayRowsAsync(table);
        await _database.ExecuteAsync($"CREATE SCHEMA elsewhere; SET search_path = elsewhere, public; {make}");

        await AssertMovedAsync(table);
        Assert.Equal(0L, await _database.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relnamespace = 'elsewhere'::regnamespace"));
    }

    /// <summary>A row that no part is for yet, and one that none will be for; the statement that makes the first one's and the next.</summary>
    private async Task<string> StrayRowsAsync(string table)
    {
        var (sql, make) = table == Months
            ? ("""
               INSERT INTO llm_calls (team_id, call_id, job_id, model_group, status, resolved_model, attempts, latency_ms, started_at, ended_at)
               SELECT 'team', uuid7_floor(date_trunc('month', now(), 'UTC') + n * interval '1 month' + interval '3 days'), gen_random_uuid(), 'G', 'succeeded', 'm', 1, 5, now(), now()
                 FROM unnest(ARRAY[4, 10]) n
               """, "SELECT ensure_partitions(5)")
            : ("""
               INSERT INTO llm_call_bodies (team_id, call_id, job_id, model_group, request_bytes, answer_bytes, kept_at, expires_at)
               SELECT 'team', gen_random_uuid(), gen_random_uuid(), 'G', 5, 0, now(), date_trunc('week', ledger_now(), 'UTC') + n * interval '168 hours' + interval '3 days'
                 FROM unnest(ARRAY[16, 30]) n
               """, "SELECT ensure_body_partitions(17)");
        await _database.ExecuteAsync(sql);
        Assert.Equal(2L, await _database.ScalarAsync<long>($"SELECT count(*) FROM {table}_default"));
        return make;
    }

    private async Task AssertMovedAsync(string table)
    {
        Assert.Equal((2L, 1L), (
            await _database.ScalarAsync<long>($"SELECT count(*) FROM {table}"), await _database.ScalarAsync<long>($"SELECT count(*) FROM {table}_default")));
        // From this month or week to the one that was asked for, and the default one.
        Assert.Equal(table == Months ? 7L : 19L, await _database.ScalarAsync<long>($"SELECT count(*) FROM pg_inherits WHERE inhparent = 'public.{table}'::regclass"));
    }

    private PartitionsPass Pass(TimeSpan lockTimeout)
        => new(_database.Source, Options.Create(new RetentionOptions { LockTimeout = lockTimeout }), NullLogger<PartitionsPass>.Instance);

    private async Task MigrateAsync()
    {
        await using var connection = await _database.Source.OpenConnectionAsync();
        await PartitionsPass.MakeAllAsync(connection, default);
    }

    private async Task DropLastMonthAsync()
    {
        await _database.ExecuteAsync($"DROP TABLE {await LastMonthAsync("llm_attempts")}, {await LastMonthAsync("llm_calls")}");
        Assert.False(await HasLastMonthAsync("llm_attempts") || await HasLastMonthAsync("llm_calls"));
    }

    private async Task<bool> HasLastMonthAsync(string table)
        => await _database.ScalarAsync<bool>($"SELECT to_regclass('{await LastMonthAsync(table)}') IS NOT NULL");

    private Task<string> LastMonthAsync(string table)
        => _database.ScalarAsync<string>($"SELECT '{table}_' || to_char(date_trunc('month', now(), 'UTC') AT TIME ZONE 'utc' + interval '3 months', 'YYYY_MM')");

    /// <summary>A session in a transaction that has begun so.</summary>
    private async Task<NpgsqlConnection> WorkerAsync(string sql)
    {
        var connection = await _database.Source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand($"BEGIN; {sql}", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    private static async Task CommitAsync(NpgsqlConnection worker)
    {
        await using var command = new NpgsqlCommand("COMMIT", worker);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Until so many sessions wait for it, or for one that does.</summary>
    private async Task WaitForBlockedAsync(NpgsqlConnection worker, int count)
    {
        var limit = DateTime.UtcNow.AddMinutes(1);
        while (await _database.ScalarAsync<long>($"""
            WITH RECURSIVE waiting (pid) AS (
              SELECT {worker.ProcessID}
              UNION SELECT a.pid FROM pg_stat_activity a, waiting w WHERE a.datname = current_database() AND w.pid = ANY (pg_blocking_pids(a.pid)))
            SELECT count(*) - 1 FROM waiting
            """) < count)
        {
            Assert.True(DateTime.UtcNow < limit, "nobody waits for it");
            await Task.Delay(10);
        }
    }
}
