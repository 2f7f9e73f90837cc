using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Data;
using SaasLlm.Core.Data.Retention;
using SaasLlm.Core.Usage;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Data.Retention;

/// <summary>Months past their time are dropped whole, when nothing of them is needed any more; and every month can be made.</summary>
public sealed class RetentionTests(Infrastructure.AppFixture app)
{
    [Fact]
    public async Task Months_are_dropped_when_their_time_is_over_each_kind_after_its_own()
    {
        await using var database = await DatabaseAsync();
        await AddMonthsAsync(database, 20);
        await database.ExecuteAsync("UPDATE usage_watermark SET rolled_until = ledger_now()");

        Assert.False(await Pass(database).RunAsync(default));

        var thisMonth = UsageGrain.Floor("month", DateTimeOffset.UtcNow);
        foreach (var (parent, kept) in new[] { ("llm_calls", 13), ("llm_attempts", 13), ("outbox", 3), ("webhook_deliveries", 3), ("webhook_attempts", 3) })
        {
            Assert.Equal(
                Enumerable.Range(-kept, kept + 4).Select(months => $"{parent}_{thisMonth.AddMonths(months):yyyy_MM}"),
                (await database.ScalarAsync<string>($"SELECT string_agg(inhrelid::regclass::text, ',' ORDER BY 1) FROM pg_inherits WHERE inhparent = '{parent}'::regclass"))
                    .Split(',').Where(name => !name.EndsWith("_default", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        }

        Assert.Equal(thisMonth.AddMonths(-13).AddDays(2).UtcDateTime, await database.ScalarAsync<DateTime>("SELECT kept_from FROM usage_watermark"));
        Assert.False(await Pass(database).RunAsync(default));
    }

    [Fact]
    public async Task Calls_that_are_not_rolled_up_and_events_that_were_not_passed_on_stay()
    {
        await using var database = await DatabaseAsync();
        await AddMonthsAsync(database, 15);
        var (calls, events) = (NameOf("llm_calls", -14), NameOf("outbox", -5));
        var end = UsageGrain.Floor("month", DateTimeOffset.UtcNow).AddMonths(-13);
        await database.ExecuteAsync($"UPDATE usage_watermark SET rolled_until = '{end.AddHours(47):O}'");
        await database.ExecuteAsync($"""
            INSERT INTO outbox (message_id, team_id, topic, dedupe_key, payload, occurred_at)
            VALUES (uuid7_floor('{end.AddMonths(8).AddDays(3):O}'), 'team', 'topic', 'key', jsonb_build_object(), now())
            """);

        var failure = await Assert.ThrowsAsync<PassFailedException>(() => Pass(database).RunAsync(default));

        Assert.Equal($"These are past their time, and are not rolled up or not delivered: {NameOf("llm_attempts", -14)}, {calls}, {events}, "
            + $"{NameOf("webhook_attempts", -5)}, {NameOf("webhook_deliveries", -5)}", failure.Message);
        Assert.True(await HasAsync(database, calls) && await HasAsync(database, events));
        Assert.False(await HasAsync(database, NameOf("llm_calls", -15)) || await HasAsync(database, NameOf("outbox", -4)));

        await database.ExecuteAsync($"UPDATE usage_watermark SET rolled_until = '{end.AddHours(48):O}'");
        await database.ExecuteAsync("UPDATE outbox SET relayed_at = now()");
        Assert.False(await Pass(database).RunAsync(default));
        Assert.False(await HasAsync(database, calls) || await HasAsync(database, events));
    }

    [Fact]
    public async Task Deliveries_that_an_active_webhook_waits_for_stay_and_those_of_others_are_counted()
    {
        await using var database = await DatabaseAsync();
        await AddMonthsAsync(database, 5);
        await database.ExecuteAsync("INSERT INTO organizations (organization_id, name) VALUES ('hooks', 'Hooks')");
        await database.ExecuteAsync($"""
            WITH made AS (
              INSERT INTO webhook_endpoints (endpoint_id, organization_id, url, secret, status, status_reason)
              SELECT gen_random_uuid(), 'hooks', 'https://example.com/', '', status, CASE status WHEN 'disabled' THEN 'gone' END
                FROM unnest(ARRAY['active', 'paused', 'disabled']) AS status
              RETURNING endpoint_id)
            INSERT INTO webhook_deliveries (endpoint_id, message_id, topic, body, occurred_at, due_at)
            SELECT endpoint_id, uuid7_floor('{UsageGrain.Floor("month", DateTimeOffset.UtcNow).AddMonths(-5).AddDays(3):O}'), 'topic', 'body', now(), now()
              FROM (SELECT endpoint_id FROM made UNION ALL SELECT gen_random_uuid()) AS endpoints
            """);
        var log = new Warned();

        var failure = await Assert.ThrowsAsync<PassFailedException>(() => Pass(database, log).RunAsync(default));

        var kept = new[] { NameOf("webhook_attempts", -5), NameOf("webhook_deliveries", -5) };
        Assert.EndsWith($": {kept[0]}, {kept[1]}", failure.Message, StringComparison.Ordinal);
        Assert.True(await HasAsync(database, kept[0]) && await HasAsync(database, kept[1]));
        Assert.False(await HasAsync(database, NameOf("webhook_deliveries", -4)) || await HasAsync(database, NameOf("outbox", -5)));
        Assert.Empty(log.Warnings);

        await database.ExecuteAsync("UPDATE webhook_endpoints SET status = 'paused' WHERE status = 'active'");
        Assert.False(await Pass(database, log).RunAsync(default));
        Assert.False(await HasAsync(database, kept[0]) || await HasAsync(database, kept[1]));
        Assert.Equal([$"With {kept[1]} went 4 deliveries that waited for webhooks which are paused, switched off or deleted"], log.Warnings);
    }

    [Fact]
    public async Task A_month_that_somebody_reads_is_dropped_later_and_nobody_waits_long_for_it()
    {
        await using var database = await DatabaseAsync();
        await AddMonthsAsync(database, 5);
        await using var reader = await database.Source.OpenConnectionAsync();
        await using var transaction = await reader.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("SELECT count(*) FROM outbox", reader))
        {
            await command.ExecuteScalarAsync();
        }

        // No failure: those are tried again in a second.
        Assert.False(await Pass(database, lockTimeout: TimeSpan.FromMilliseconds(200)).RunAsync(default));
        Assert.True(await HasAsync(database, NameOf("outbox", -5)));
        Assert.False(await HasAsync(database, NameOf("webhook_deliveries", -5)));

        await transaction.RollbackAsync();
        Assert.False(await Pass(database).RunAsync(default));
        Assert.False(await HasAsync(database, NameOf("outbox", -5)));
    }

    [Fact]
    public async Task A_week_of_bodies_goes_when_it_is_over_with_what_had_no_week_and_none_before()
    {
        await using var database = await DatabaseAsync();
        var monday = await database.ScalarAsync<DateTime>("SELECT date_trunc('week', ledger_now(), 'UTC')");
        foreach (var weeks in new[] { 1, 2 })
        {
            await database.ExecuteAsync($"""
                CREATE TABLE llm_call_bodies_{monday.AddDays(-7 * weeks):yyyy_MM_dd} PARTITION OF llm_call_bodies
                   FOR VALUES FROM ('{monday.AddDays(-7 * weeks):O}') TO ('{monday.AddDays(-7 * (weeks - 1)):O}')
                """);
        }

        // In each of the two, at their first and last moment; in this week, over and to come; and where nobody made a week, over and to come.
        DateTime[] times =
        [
            monday.AddDays(-14), monday.AddDays(-7).AddTicks(-10), monday.AddDays(-7), monday.AddTicks(-10), monday, monday.AddDays(7).AddTicks(-10),
            monday.AddDays(-30), monday.AddDays(200),
        ];
        foreach (var expires in times)
        {
            await database.ExecuteAsync($"""
                INSERT INTO llm_call_bodies (team_id, call_id, job_id, model_group, request_bytes, answer_bytes, kept_at, expires_at)
                VALUES ('team', gen_random_uuid(), gen_random_uuid(), 'G', 5, 0, '2020-01-01 00:00Z', '{expires:O}')
                """);
        }

        Assert.False(await Pass(database).RunAsync(default));

        Assert.Equal(
            string.Join(',', new[] { monday, monday.AddDays(7).AddTicks(-10), monday.AddDays(200) }.Select(time => time.ToString("yyyy-MM-dd HH:mm:ss.ffffff", System.Globalization.CultureInfo.InvariantCulture))),
            await database.ScalarAsync<string>("SELECT string_agg(to_char(expires_at AT TIME ZONE 'utc', 'YYYY-MM-DD HH24:MI:SS.US'), ',' ORDER BY expires_at) FROM llm_call_bodies"));
        Assert.Equal(
            Enumerable.Range(0, 16).Select(weeks => $"llm_call_bodies_{monday.AddDays(7 * weeks):yyyy_MM_dd}"),
            (await database.ScalarAsync<string>("SELECT string_agg(inhrelid::regclass::text, ',' ORDER BY 1) FROM pg_inherits WHERE inhparent = 'llm_call_bodies'::regclass"))
                .Split(',').Where(name => !name.EndsWith("_default", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_week_of_bodies_takes_over_what_came_before_it_was_made()
    {
        await using var database = await DatabaseAsync();
        var week = (await database.ScalarAsync<DateTime>("SELECT date_trunc('week', ledger_now(), 'UTC')")).AddDays(7 * 16);
        await database.ExecuteAsync($"""
            INSERT INTO llm_call_bodies (team_id, call_id, job_id, model_group, request_bytes, answer_bytes, kept_at, expires_at)
            SELECT 'team', gen_random_uuid(), gen_random_uuid(), 'G', 5, 0, now(), timestamptz '{week:O}' + n * interval '1 day' FROM generate_series(0, 7) n
            """);

        await database.ExecuteAsync("SELECT ensure_body_partitions(16)");
        await database.ExecuteAsync("SELECT ensure_body_partitions(16)");

        Assert.Equal((7L, 1L), (
            await database.ScalarAsync<long>($"SELECT count(*) FROM llm_call_bodies_{week:yyyy_MM_dd}"),
            await database.ScalarAsync<long>("SELECT count(*) FROM llm_call_bodies_default")));
    }

    // A machine whose clock was months ahead wrote them; then their month comes.
    [Fact]
    public async Task A_month_whose_rows_came_before_it_was_made_takes_them_over()
    {
        await using var database = await DatabaseAsync();
        await database.ExecuteAsync("""
            INSERT INTO llm_calls (team_id, call_id, job_id, model_group, status, resolved_model, attempts, latency_ms, started_at, ended_at)
            SELECT 'team', uuid7_floor(date_trunc('month', now(), 'UTC') + n * interval '1 month' + interval '3 days'), gen_random_uuid(), 'G', 'succeeded', 'm', 1, 5, now(), now()
              FROM generate_series(2, 8) n
            """);
        Assert.Equal(5L, await database.ScalarAsync<long>("SELECT count(*) FROM llm_calls_default"));

        await database.ExecuteAsync("SELECT ensure_partitions(5)");
        await database.ExecuteAsync("SELECT ensure_partitions(5)");

        Assert.Equal((3L, 7L), (await database.ScalarAsync<long>("SELECT count(*) FROM llm_calls_default"), await database.ScalarAsync<long>("SELECT count(*) FROM llm_calls")));
        Assert.Equal(1L, await database.ScalarAsync<long>($"SELECT count(*) FROM {NameOf("llm_calls", 4)}"));
        // It is as one that was made in time: with the parent's indexes and key, and its rows go straight there.
        Assert.Equal(
            await database.ScalarAsync<long>($"SELECT count(*) FROM pg_index WHERE indrelid = '{NameOf("llm_calls", 1)}'::regclass"),
            await database.ScalarAsync<long>($"SELECT count(*) FROM pg_index x JOIN pg_inherits i ON i.inhrelid = x.indexrelid WHERE indrelid = '{NameOf("llm_calls", 4)}'::regclass"));
        Assert.Equal(
            await database.ScalarAsync<long>($"SELECT count(*) FROM pg_constraint WHERE conrelid = '{NameOf("llm_calls", 1)}'::regclass"),
            await database.ScalarAsync<long>($"SELECT count(*) FROM pg_constraint WHERE conrelid = '{NameOf("llm_calls", 4)}'::regclass"));
    }

    private static string NameOf(string parent, int months) => $"{parent}_{UsageGrain.Floor("month", DateTimeOffset.UtcNow).AddMonths(months):yyyy_MM}";

    private static Task<bool> HasAsync(Background.TaskDatabase database, string table)
        => database.ScalarAsync<bool>($"SELECT to_regclass('{table}') IS NOT NULL");

    private static RetentionPass Pass(Background.TaskDatabase database, ILogger<RetentionPass>? log = null, TimeSpan? lockTimeout = null) => new(
        database.Source, Options.Create(new RetentionOptions { LockTimeout = lockTimeout ?? TimeSpan.FromSeconds(30) }), log ?? NullLogger<RetentionPass>.Instance);

    private Task<Background.TaskDatabase> DatabaseAsync() => Background.TaskDatabase.CreateAsync(app);

    private static Task AddMonthsAsync(Background.TaskDatabase database, int months) => database.ExecuteAsync($$"""
        DO $do$
        DECLARE
          parent text;
          first_day timestamptz;
        BEGIN
          FOR n IN 1..{{months}} LOOP
            first_day := date_trunc('month', now(), 'UTC') - n * interval '1 month';
            FOREACH parent IN ARRAY ARRAY['llm_calls', 'llm_attempts', 'outbox', 'webhook_deliveries', 'webhook_attempts'] LOOP
              EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                parent || to_char(first_day AT TIME ZONE 'utc', '_YYYY_MM'), parent, uuid7_floor(first_day), uuid7_floor(first_day + interval '1 month'));
            END LOOP;
          END LOOP;
        END $do$
        """);

    private sealed class Warned : ILogger<RetentionPass>
    {
        public List<string> Warnings { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => Warnings.Add(formatter(state, exception));
    }
}
