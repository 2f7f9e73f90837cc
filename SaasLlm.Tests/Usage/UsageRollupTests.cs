using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Usage;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Usage;

/// <summary>Reports equal the tables at every moment: before hours are rolled up, while they are, after a crash, and after what came late.</summary>
public sealed class UsageRollupTests(Infrastructure.AppFixture app)
{
    private const string Others = "datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";

    private static readonly string[] s_lateEnds = ["completed", "expired", "failed"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Every_report_equals_the_tables(int seed)
    {
        await using var bench = await UsageBench.CreateAsync(app);
        var random = new Random(seed);
        var teams = new List<string>();
        var jobs = new List<(string Team, JobId Job)>();
        var hours = Enumerable.Range(0, 14).Select(_ => random.Next(2, 24 * 40)).OrderDescending().ToList();
        for (var moment = 0; moment < hours.Count; moment++)
        {
            var shift = TimeSpan.FromMinutes(-60 * hours[moment] + random.Next(60));
            var api = bench.Ledger(shift);
            if (teams.Count < 3)
            {
                teams.Add(await TeamAsync(api, random));
            }

            for (var step = 0; step < 5; step++)
            {
                await StepAsync(api, random, teams, jobs);
            }

            if (moment % 3 == 0)
            {
                await bench.RollAsync(shift);
                await bench.CompareAsync(random, teams);
            }
        }

        // What came an hour late, or a month.
        await bench.RollAsync();
        foreach (var late in new[] { random.Next(2, 5), random.Next(24 * 8, 24 * 39) })
        {
            await StepAsync(bench.Ledger(TimeSpan.FromHours(-late)), random, teams, jobs);
        }

        await bench.Nightly(TimeSpan.FromDays(45)).RunAsync(default);
        await bench.CompareAsync(random, teams);
        await StepAsync(bench.Ledger(TimeSpan.Zero), random, teams, jobs);
        await bench.CompareAsync(random, teams);
    }

    // A failed call whose first attempt is known and whose second is not; an answer after an attempt that nobody knows; one that is known; one with nothing.
    [Fact]
    public async Task What_is_known_of_a_cost_counts_and_what_is_not_known_is_said()
    {
        await using var bench = await UsageBench.CreateAsync(app);
        var api = bench.Ledger(TimeSpan.Zero);
        var (team, job) = (await api.CreateTeamAsync(10), JobId.New(TimeProvider.System));
        Assert.Null((await api.Ledger.OpenJobAsync(new(job, team, "parse", null, null, "{}", TimeSpan.FromHours(1), 100), default)).Failure);
        foreach (var (error, cost, evidence) in new (string?, decimal?, CostEvidence?)[]
        {
            ("llm.all_models_failed", null, new(UsageSource.Unknown, 0.3m, 0.9m)), (null, 0.2m, new(UsageSource.Provider, 0.2m, 0.7m)),
            (null, 0.1m, new(UsageSource.Provider, 0.1m, 0.1m)), ("llm.all_models_failed", null, null),
        })
        {
            var start = LedgerHarness.Intent(team, job) with { ModelGroup = "G" };
            Assert.Null((await api.Ledger.StartCallAsync(start, default)).Failure);
            Assert.Null((await api.Ledger.EndCallAsync(LedgerHarness.End(start, error) with { ProviderCostUsd = cost, ClientCostUsd = cost, Evidence = evidence }, default)).Failure);
        }

        var now = DateTimeOffset.UtcNow;
        var total = (await bench.Reader.ReadAsync(
            new(UsageGrain.Floor("hour", now.AddHours(-2)), UsageGrain.Floor("hour", now.AddHours(2)), []) { Teams = [team] }, null, 1, default)).Total;
        Assert.Equal((4, 3, 0.6m), (total.Calls, total.CallsUnknownCost, total.ProviderCostUsd));
    }

    [Fact]
    public async Task A_roller_that_dies_at_any_statement_has_done_nothing_and_the_next_does_it_all()
    {
        await using var bench = await UsageBench.CreateAsync(app);
        var api = bench.Ledger(TimeSpan.FromHours(-26));
        var team = await api.CreateTeamAsync(100);
        await api.JobAsync(team, "parse", "ann", "completed", ("G", "m", 10));
        await bench.ExecuteAsync("CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'crash'; END $$");
        foreach (var moment in new[]
        {
            "BEFORE INSERT ON usage_rollups FOR EACH ROW WHEN (NEW.grain = 'hour')", "BEFORE DELETE ON usage_rollups FOR EACH STATEMENT",
            "BEFORE INSERT ON usage_rollups FOR EACH ROW WHEN (NEW.grain = 'day')", "BEFORE UPDATE ON usage_watermark FOR EACH STATEMENT",
        })
        {
            await bench.ExecuteAsync($"CREATE TRIGGER crash {moment} EXECUTE FUNCTION crash()");
            var before = await PrintAsync();
            var crashed = await Assert.ThrowsAsync<PostgresException>(async () =>
            {
                while (await bench.Roller().RollNextAsync(default))
                {
                    before = await PrintAsync();
                }
            });
            Assert.Equal("crash", crashed.MessageText);
            Assert.Equal(before, await PrintAsync());
            await bench.ExecuteAsync($"DROP TRIGGER crash ON {moment.Split(' ')[3]}");
            await bench.CompareAsync(new(1), [team], few: true);
        }

        await bench.RollAsync();
        await bench.CompareAsync(new(1), [team], few: true);

        Task<string> PrintAsync() => bench.ScalarAsync<string>(
            "SELECT concat((SELECT rolled_until FROM usage_watermark), (SELECT string_agg(u::text, '|' ORDER BY u::text) FROM usage_rollups u))");
    }

    [Fact]
    public async Task What_came_late_is_found_by_the_next_check_and_counted_and_nothing_else_is()
    {
        await using var bench = await UsageBench.CreateAsync(app);
        var (early, late) = (bench.Ledger(TimeSpan.FromHours(-30)), bench.Ledger(TimeSpan.FromHours(-2)));
        var team = await early.CreateTeamAsync(100);
        await early.JobAsync(team, "parse", null, "completed", ("G", "m", 10));
        await bench.RollAsync();
        await late.JobAsync(team, "parse", null, "completed", ("G", "m", 30));
        await early.JobAsync(team, "parse", "bob", "failed", ("G", null, 40));

        await bench.Nightly().RunAsync(default);
        Assert.Equal(2, bench.Corrections);
        await bench.CompareAsync(new(1), [team], few: true);
        await bench.Nightly().RunAsync(default);
        Assert.Equal(2, bench.Corrections);

        // A wrong number is found as well; but what is dropped is known from the roll-ups alone.
        await bench.ExecuteAsync("UPDATE usage_rollups SET input_tokens = input_tokens + 1 WHERE grain = 'hour' AND calls_succeeded > 0");
        await bench.ExecuteAsync("UPDATE usage_watermark SET kept_from = now() - interval '1 day'");
        await bench.Nightly().RunAsync(default);
        Assert.Equal(3, bench.Corrections);
        await bench.ExecuteAsync("UPDATE usage_watermark SET kept_from = NULL");
        await bench.Nightly().RunAsync(default);
        Assert.Equal(4, bench.Corrections);
        await bench.CompareAsync(new(1), [team], few: true);
    }

    [Fact]
    public async Task The_pass_looks_again_at_the_last_hours_when_one_more_is_closed()
    {
        await using var bench = await UsageBench.CreateAsync(app);
        var team = await bench.Ledger(TimeSpan.FromHours(-6)).CreateTeamAsync(100);
        await bench.Ledger(TimeSpan.FromHours(-6)).JobAsync(team, "parse", null, "completed", ("G", "m", 10));
        var pass = bench.Pass(TimeSpan.FromHours(-1));
        while (await pass.RunAsync(default))
        {
        }

        await bench.Ledger(TimeSpan.FromHours(-3)).JobAsync(team, "parse", null, "completed", ("G", "m", 20));
        Assert.False(await pass.RunAsync(default));
        Assert.Equal(0, bench.Corrections);
        var later = bench.Pass();
        Assert.True(await later.RunAsync(default));
        Assert.False(await later.RunAsync(default));
        Assert.Equal(1, bench.Corrections);
        await bench.CompareAsync(new(1), [team], few: true);
    }

    [Fact]
    public async Task Rollers_take_turns()
    {
        await using var bench = await UsageBench.CreateAsync(app);
        var api = bench.Ledger(TimeSpan.FromHours(-40));
        var team = await api.CreateTeamAsync(100);
        await api.JobAsync(team, "parse", null, "completed", ("G", "m", 10));
        var rolled = await Task.WhenAll(bench.RollAsync(), bench.RollAsync(), bench.RollAsync());
        Assert.InRange(rolled.Sum(), 39, 40);
        await bench.CompareAsync(new(1), [team], few: true);
    }

    // The cost of a month's report is that of its roll-ups and of the hour that is open, however many calls the closed hours had.
    [Fact]
    public async Task A_big_teams_month_is_read_without_the_calls_of_closed_hours()
    {
        await using var bench = await UsageBench.CreateAsync(app);
        var team = await bench.Ledger(TimeSpan.Zero).CreateTeamAsync(1000);
        await bench.ExecuteAsync($"""
            INSERT INTO jobs (team_id, job_id, organization_id, job_type, status, hold_state, price, hold_amount, deadline_at, created_at, completed_at)
            SELECT '{team}', uuid_of, 'org', 'parse', 'failed', 'released', 1, 0, at, at, at
              FROM (SELECT ledger_now() - n * interval '10 seconds' AS at, (left(uuid7_floor(ledger_now() - n * interval '10 seconds')::text, 18) || right(gen_random_uuid()::text, 18))::uuid AS uuid_of
                      FROM generate_series(60000, 1, -1) n) made
            """);
        await bench.ExecuteAsync("""
            INSERT INTO llm_calls (team_id, call_id, job_id, model_group, status, resolved_model, attempts, latency_ms, started_at, ended_at)
            SELECT team_id, job_id, job_id, 'G', 'succeeded', 'm', 1, 5, created_at, completed_at FROM jobs ORDER BY completed_at
            """);
        await bench.RollAsync();
        await bench.Roller().SummarizeAsync(default);
        await bench.ExecuteAsync("ANALYZE");
        var query = new UsageQuery(DateTimeOffset.UtcNow.AddDays(-40), DateTimeOffset.UtcNow.AddHours(1), ["day"]) { Teams = [team] };
        query = query with { From = UsageGrain.Floor("month", query.From), Until = UsageGrain.Floor("hour", query.Until) };
        Assert.Equal(60_000, (await bench.Reader.ReadAsync(query, null, 100, default)).Total.Calls);
        var before = await TouchedAsync();

        await bench.Reader.ReadAsync(query, null, 100, default);

        // An hour has 360 calls; two may be open, and a stretch of pages has the calls of some hours more.
        var touched = await TouchedAsync() - before;
        Assert.InRange(touched, 1, 25_000);

        async Task<long> TouchedAsync()
        {
            // The backends report what they counted at the latest when they end.
            bench.Source.Clear();
            await bench.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {Others}");
            await Infrastructure.Eventually.IsSoAsync(
                async () => await bench.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE {Others}") == 0, () => "The other backends did not end");
            return await bench.ScalarAsync<long>(
                "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables WHERE relname LIKE 'llm_calls%' OR relname = 'jobs'");
        }
    }

    private static async Task<string> TeamAsync(LedgerHarness api, Random random)
    {
        var team = await api.CreateTeamAsync(0);
        await api.Ledger.AddCreditsAsync(new(TransactionId.New(TimeProvider.System), team, 300, "test", new(LotSource.Purchase, Priority: 10, CostBasisUsd: random.Next(1, 100))), default);
        await api.Ledger.AddCreditsAsync(new(TransactionId.New(TimeProvider.System), team, 7, "test", new(LotSource.Promotion, Priority: 5)), default);
        return team;
    }

    private static async Task StepAsync(LedgerHarness api, Random random, List<string> teams, List<(string Team, JobId Job)> jobs)
    {
        if (jobs.Count > 0 && random.Next(5) == 0)
        {
            var (refunded, charged) = jobs[random.Next(jobs.Count)];
            await api.Ledger.RefundJobAsync(new(TransactionId.New(TimeProvider.System), refunded, charged, random.Next(1, 4) / 4m, "test"), default);
            return;
        }

        // In another hour than it was opened in; it may have ended before, or have time left.
        if (jobs.Count > 0 && random.Next(3) == 0)
        {
            var (owner, open) = jobs[random.Next(jobs.Count)];
            await api.CloseAsync(owner, open, s_lateEnds[random.Next(3)]);
            return;
        }

        var team = teams[random.Next(teams.Count)];
        var calls = Enumerable.Range(0, random.Next(4)).Select(_ => ($"G{random.Next(3)}", random.Next(4) == 0 ? null : $"m{random.Next(3)}", random.Next(1, 500))).ToArray();
        string?[] ends = [null, null, "completed", "completed", "completed", "failed", "cancelled"];
        var job = await api.JobAsync(team, $"type{random.Next(3)}", random.Next(3) == 0 ? null : $"user{random.Next(4)}", ends[random.Next(ends.Length)], calls);
        jobs.Add((team, job));
    }
}
