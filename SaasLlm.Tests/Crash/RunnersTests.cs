using Npgsql;
using SaasLlm.Benchmarks.Crash;
using SaasLlm.Benchmarks.Crash.Rig;
using SaasLlm.Benchmarks.Crash.Runners;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Crash;

/// <summary>
/// Job runners die under submitted jobs with webhooks, and every check holds; then each check notices what it is there for, on the very data
/// that passed it. The long form is <c>crash --row runners.many</c>.
/// </summary>
// One after the other: each starts processes enough to keep the machine busy.
[Collection("crash")]
public sealed class RunnersTests(AppFixture fixture, ITestOutputHelper output) : IAsyncDisposable
{
    private const int Jobs = 30;
    private const int Batch = 60;

    private static readonly TimeSpan s_quietPatience = TimeSpan.FromSeconds(180);
    private static readonly int s_seed = Random.Shared.Next(1, 1_000_000);

    // What is wrong, past triggers and constraints, and the check that must say so.
    private static readonly (string Fault, string Sql)[] s_broken =
    [
        ("submitted job has not ended", "UPDATE background_jobs SET state = 'finishing', ended_at = NULL WHERE ctid = (SELECT min(ctid) FROM background_jobs)"),
        ("submitted job has not ended", "DELETE FROM background_jobs WHERE ctid = (SELECT min(ctid) FROM background_jobs)"),
        ("submitted job is not there", "DELETE FROM background_jobs WHERE ctid = (SELECT min(ctid) FROM background_jobs)"),
        ("job is there that nobody submitted", "UPDATE background_jobs SET job_id = gen_random_uuid() WHERE ctid = (SELECT min(ctid) FROM background_jobs)"),
        ("plan without its job", "DELETE FROM jobs WHERE status = 'failed'"),
        ("submitted job has not exactly one end", "DELETE FROM outbox WHERE topic = 'job.failed'"),
        ("submitted job has not exactly one end", """
            INSERT INTO outbox (message_id, team_id, topic, dedupe_key, payload, occurred_at, relayed_at)
            SELECT gen_random_uuid(), team_id, 'job.failed', 'other', payload, now(), now() FROM outbox WHERE topic = 'job.completed' LIMIT 1
            """),
        ("event is raised twice", """
            INSERT INTO outbox (message_id, team_id, topic, dedupe_key, payload, occurred_at, relayed_at)
            SELECT gen_random_uuid(), team_id, topic, dedupe_key, payload, now(), now() FROM outbox WHERE topic = 'job.progress' LIMIT 1
            """),
        ("plan counts other steps than it has", "UPDATE background_jobs SET succeeded = succeeded - 1, failed = failed + 1 WHERE succeeded = total"),
        ("plan counts other steps than it has", "UPDATE background_steps SET ended_sequence = 1 WHERE ended_sequence = 2"),
        ("team counts steps that it has not", "UPDATE background_teams SET running = 1"),
        ("job ended other than its steps", "UPDATE jobs SET status = 'failed' WHERE status = 'completed'"),
        ("job ended other than its steps", "UPDATE jobs SET status = 'completed' WHERE status = 'failed'"),
        ("step was billed more than once", "UPDATE llm_calls SET purpose = 'a' WHERE status = 'succeeded'"),
        ("more calls were billed than steps succeeded", "UPDATE jobs SET successful_calls = successful_calls + 1 WHERE status = 'completed'"),
        ("more calls were billed than steps succeeded", "DELETE FROM llm_calls WHERE status = 'succeeded'"),
        ("billed call is not its step's", "UPDATE background_steps SET call_id = gen_random_uuid() WHERE status = 'succeeded'"),
        ("billed call is not its step's", "UPDATE llm_calls SET output_tokens = output_tokens + 1 WHERE status = 'succeeded'"),
        ("charge is not exact", "UPDATE jobs SET settled_amount = settled_amount + 0.5 WHERE status = 'completed' AND budget_mode = 'job_based'"),
        ("charge is not exact", "UPDATE llm_calls SET client_cost_usd = client_cost_usd * 2 WHERE team_id = 'runners-team-2'"),
        ("charge is not exact", "UPDATE llm_calls SET output_tokens = output_tokens + 8 WHERE team_id = 'runners-team-3'"),
        ("charge is not exact", "UPDATE jobs SET settled_amount = 1 WHERE status IN ('failed', 'cancelled')"),
        ("team is charged other than its completed jobs", "UPDATE team_credits SET used = used + 1 WHERE team_id = 'runners-team-1'"),
        ("delivery is not done", "UPDATE webhook_deliveries SET state = 'dead' WHERE topic = 'job.failed'"),
        ("event is not relayed", "UPDATE outbox SET relayed_at = NULL WHERE topic = 'job.failed'"),
        ("event never arrived", """
            INSERT INTO outbox (message_id, team_id, topic, dedupe_key, payload, occurred_at, relayed_at)
            VALUES (gen_random_uuid(), 'runners-team-0', 'job.started', 'job:none', '{}', now(), now())
            """),
        ("event arrived that nobody raised", "DELETE FROM outbox WHERE topic = 'job.progress'"),
        ("event arrived otherwise than it was raised", """UPDATE outbox SET payload = payload || '{"job_id": "other"}' WHERE topic = 'job.progress'"""),
        ("event arrived otherwise than it was raised", "UPDATE outbox SET topic = 'job.started' WHERE topic = 'job.progress'"),
        ("step was called after its end was saved", "UPDATE background_steps SET ended_at = ended_at - interval '1 hour' WHERE status = 'succeeded'"),
        ("step succeeded that was never called", "UPDATE background_steps SET name = name || 'x' WHERE status = 'succeeded'"),
        ("call upstream of no step", "DELETE FROM background_steps WHERE status = 'succeeded'"),
        ("request upstream without an attempt", "DELETE FROM llm_attempts WHERE status = 'succeeded'"),
    ];

    // So that a row can say what no sound build writes.
    private const string DropChecks = """
        DO $$ DECLARE c record; BEGIN
          FOR c IN SELECT conrelid::regclass AS owner, conname FROM pg_constraint
                    WHERE contype = 'c' AND coninhcount = 0 AND conrelid::regclass::text IN
                          ('jobs', 'background_jobs', 'background_steps', 'background_teams', 'llm_calls', 'team_credits', 'webhook_deliveries', 'outbox') LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.owner, c.conname);
          END LOOP;
        END $$
        """;

    private RunnersBench? _bench;

    [Fact]
    public async Task Runners_that_die_end_each_job_once_charge_it_exactly_and_lose_no_event()
    {
        var app = await fixture.AppAsync();
        var site = new CrashSite(app.Stores.Postgres, app.Stores.Redis, app.Simulator, AppFixture.MasterKey, OwnsStores: false);
        _bench = await RunnersBench.CreateAsync(site, s_seed, default);
        var run = new RunnersRun(_bench, RunnersRows.Some, s_seed);

        var result = await run.RunAsync(Jobs, Batch, s_quietPatience, default);

        output.WriteLine(CrashReport.Line(result));
        if (!result.Held)
        {
            output.WriteLine(string.Join(Environment.NewLine, result.Log.TakeLast(200)));
        }

        Assert.True(result.Held, CrashReport.Line(result));
        await EveryCheckNoticesAsync(_bench, run);
    }

    public async ValueTask DisposeAsync()
    {
        if (_bench is not null)
        {
            await _bench.DisposeAsync();
        }
    }

    private static async Task EveryCheckNoticesAsync(RunnersBench bench, RunnersRun run)
    {
        foreach (var service in bench.Rig.Services)
        {
            await bench.Rig[service].KillAsync();
        }

        var (sent, arrivals) = (bench.Gateway.Sent, bench.Receiver.Arrivals);
        await using var connection = await bench.Rig.Source.OpenConnectionAsync();
        Assert.Empty(await run.FinalAsync(connection, sent, arrivals));
        foreach (var (fault, sql) in s_broken)
        {
            await using var transaction = await connection.BeginTransactionAsync();
            // As nobody can but the server's owner: past triggers and constraints.
            await ExecuteAsync(connection, "SET LOCAL session_replication_role = replica");
            await ExecuteAsync(connection, DropChecks);
            await ExecuteAsync(connection, sql);
            Notices(fault, await run.FinalAsync(connection, sent, arrivals), sql);
        }

        var first = arrivals.First(arrival => arrival.WasAccepted);
        Notices("event never arrived", await run.FinalAsync(connection, sent, [.. arrivals.Where(arrival => arrival.Id != first.Id)]), "one never arrived");
        Notices("event arrived with several bodies", await run.FinalAsync(connection, sent, [.. arrivals, first with { Body = first.Body + " " }]), "two bodies");
        Notices("event arrived with a wrong signature", await run.FinalAsync(connection, sent, [.. arrivals, first with { Timestamp = "1" }]), "another timestamp");
        var last = sent.First();
        Notices(
            "step was called after its end was saved",
            await run.FinalAsync(connection, [.. sent, .. sent.Select(call => call with { At = TimeProvider.System.GetUtcNow() })], arrivals), "called again");
        Notices("request upstream without an attempt", await run.FinalAsync(connection, [.. sent, .. Enumerable.Repeat(last, 100)], arrivals), "sent again");
    }

    private static void Notices(string fault, IReadOnlyList<string> found, string broken)
        => Assert.True(
            found.Any(line => line.StartsWith(fault + ": ", StringComparison.Ordinal)),
            $"'{fault}' was not said of: {broken}{Environment.NewLine}{string.Join(Environment.NewLine, found.Take(20))}");

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
