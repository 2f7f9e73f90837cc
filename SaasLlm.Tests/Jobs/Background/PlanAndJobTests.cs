using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;
using SaasLlm.Core.Pricing;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>A plan begins and ends with its job, whatever is lost between the two; its job outlives it.</summary>
public sealed class PlanAndJobTests(AppFixture app) : IAsyncLifetime
{
    private readonly BackgroundBench _bench = new(app);

    public ValueTask InitializeAsync() => _bench.InitializeAsync();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task A_plan_whose_job_was_never_opened_is_forgotten()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync();
        await runner.Get<PlanStore>().InsertAsync(tenant.TeamId, JobId.New(TimeProvider.System), Plan(tenant), null, null, CancellationToken.None);
        await runner.Get<PlansPass>().RunAsync(CancellationToken.None);
        Assert.Equal(1L, await _bench.ScalarAsync<long>("SELECT count(*) FROM background_steps")); // The ledger has a minute.

        await _bench.RunPlansAsync(runner);

        Assert.Equal(0L, await _bench.ScalarAsync<long>("SELECT count(*) FROM background_jobs"));
        Assert.Equal(0L, await _bench.ScalarAsync<long>("SELECT count(*) FROM background_steps"));
    }

    [Fact]
    public async Task A_job_whose_plan_is_lost_while_it_opens_holds_nothing()
    {
        var runner = await _bench.RunnerAsync(isStarted: false, services => services.AddSingleton(provider => OpeningLedger.Before(
            ActivatorUtilities.CreateInstance<Ledger>(provider), job => provider.GetRequiredService<PlanStore>().ForgetAsync(job.TeamId, job.JobId, CancellationToken.None))));
        var tenant = await _bench.TenantAsync(credits: 2);

        var submitted = await runner.Get<BackgroundJobs>().SubmitAsync(
            new(JobId.New(TimeProvider.System), tenant.TeamId, "test", null, null, "{}", Plan(tenant)), CancellationToken.None);

        Assert.Equal("store.unavailable", submitted.Failure?.Code);
        Assert.Equal((2m, 0m, 0m), await tenant.CreditsAsync());
        Assert.Equal("failed", await _bench.ScalarAsync<string>("SELECT status FROM jobs WHERE team_id = $1", tenant.TeamId));
    }

    [Fact]
    public async Task A_job_that_was_opened_and_whose_plan_was_not_started_runs_all_the_same()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync(credits: 2);
        var job = JobId.New(TimeProvider.System);
        await runner.Get<PlanStore>().InsertAsync(tenant.TeamId, job, Plan(tenant), null, null, CancellationToken.None);
        Assert.Null((await runner.Get<ILedger>().OpenJobAsync(new(job, tenant.TeamId, "test", null, null, "{}", TimeSpan.FromHours(1), 100), CancellationToken.None)).Failure);

        await runner.Get<PlanStore>().ForgetAsync(tenant.TeamId, job, CancellationToken.None); // By a pass that had looked before the job was opened.
        await _bench.RunPlansAsync(runner);
        Assert.Equal(1, await runner.RunReadyAsync());
        await _bench.RunPlansAsync(runner);

        Assert.Equal("completed", (string)(await tenant.EndAsync(job.ToString()))["status"]!);
        Assert.Equal((1m, 0m, 1m), await tenant.CreditsAsync());
    }

    [Fact]
    public async Task A_job_for_later_begins_at_its_time()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync();
        var job = await tenant.SubmitWithAsync($""" "run_at":"{DateTimeOffset.UtcNow.AddHours(2):O}" """, tenant.Step("a", "x"));
        await runner.Get<PlansPass>().RunAsync(CancellationToken.None);
        Assert.Equal(0, await runner.RunReadyAsync());
        await _bench.ExecuteAsync($"ALTER DATABASE {await _bench.ScalarAsync<string>("SELECT current_database()::text")} SET saasllm.clock_shift = '2 hours 1 second'");

        await using var later = await _bench.RunnerAsync(isStarted: false);
        Npgsql.NpgsqlConnection.ClearAllPools();
        await later.Get<PlansPass>().RunAsync(CancellationToken.None);

        Assert.Equal("a ready", await tenant.StepsAsync(job));
        Assert.Equal("active", await tenant.StateAsync(job));
    }

    [Fact]
    public async Task A_job_that_expired_takes_its_steps_with_it()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync(credits: 5);
        var job = await tenant.SubmitAsync(tenant.Step("a", "x"), tenant.Step("b", "y"));
        await _bench.ExecuteAsync("UPDATE jobs SET deadline_at = now() - interval '1 second' WHERE team_id = $1", tenant.TeamId);

        await runner.RunReadyAsync();

        Assert.Equal("a cancelled, b cancelled", await tenant.StepsAsync(job));
    }

    // A model without a price, a gateway that is not set up: that is not the step's fault, so it waits, and no try is counted.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_job_that_expired_says_what_its_step_waited_for(bool isTold)
    {
        var runner = await _bench.RunnerAsync(isStarted: false, services => services.AddSingleton<IPriceBook>(new NoPrice()));
        var tenant = await _bench.TenantAsync(credits: 5);
        var job = await tenant.SubmitAsync(tenant.Step("a", "x"), tenant.Step("b", "y"));
        Assert.Equal(1, await runner.RunReadyAsync());
        Assert.Equal(("a scheduled, b waiting", 0), (await tenant.StepsAsync(job), await _bench.ScalarAsync<int>("SELECT tries FROM background_steps WHERE name = 'a'")));
        await _bench.ExecuteAsync("UPDATE jobs SET deadline_at = now() - interval '1 second' WHERE team_id = $1", tenant.TeamId);
        if (isTold)
        {
            // The runner hears of the deadline before the sweep does, and ends the plan.
            await runner.Get<PlanStore>().EndAsync(tenant.TeamId, new(Guid.Parse(job)), CancellationToken.None);
        }

        await new ExpireJobsPass(runner.Get<Npgsql.NpgsqlDataSource>(), runner.Get<ILedger>(), NullLogger<ExpireJobsPass>.Instance).RunAsync(CancellationToken.None);

        var ended = await tenant.ReadAsync(job);
        Assert.Equal("expired", (string)ended["status"]!);
        Assert.StartsWith("The deadline passed, and step 'a' had not succeeded: pricing.unpriced: ", (string)ended["error_message"]!, StringComparison.Ordinal);
        Assert.Equal((5m, 0m, 0m), await tenant.CreditsAsync());
    }

    // The runner is told of the deadline before the sweep has ended the job.
    [Fact]
    public async Task Events_of_a_job_that_expired_end_when_it_has_ended()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync(credits: 5);
        var job = await tenant.SubmitAsync(tenant.Step("a", "x"));
        await _bench.ExecuteAsync("UPDATE jobs SET deadline_at = now() - interval '1 second' WHERE team_id = $1", tenant.TeamId);
        await runner.RunReadyAsync();
        Assert.Equal("ended", await tenant.StateAsync(job));

        var events = _bench.GetAsync(tenant, $"/api/jobs/{job}/events", null);
        var rest = _bench.GetAsync(tenant, $"/api/jobs/{job}/events", null, lastEventId: "2");
        await Task.WhenAny(events, rest, Task.Delay(600));
        Assert.False(events.IsCompleted || rest.IsCompleted);
        Assert.Null((await runner.Get<ILedger>().CloseJobAsync(new(tenant.TeamId, new(Guid.Parse(job)), "expired", null, null), CancellationToken.None)).Failure);

        using var all = await events;
        using var last = await rest;
        var text = await all.Content.ReadAsStringAsync();
        Assert.Contains("id: 1\nevent: step.cancelled\n", text, StringComparison.Ordinal);
        Assert.Contains("id: 2\nevent: job.expired\n", text, StringComparison.Ordinal);
        Assert.Contains("event: job.expired\n", await last.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var over = await _bench.GetAsync(tenant, $"/api/jobs/{job}/events", null, lastEventId: "2");
        Assert.Equal(HttpStatusCode.NoContent, over.StatusCode);
    }

    [Fact]
    public async Task A_plan_is_looked_at_as_soon_as_its_job_has_expired()
    {
        var tenant = await _bench.TenantAsync();
        var job = await tenant.SubmitAsync(tenant.Step("a", "x"));

        Assert.InRange(await _bench.ScalarAsync<decimal>(
            "SELECT extract(epoch FROM b.due_at - j.deadline_at) FROM background_jobs b JOIN jobs j USING (team_id, job_id) WHERE b.job_id = $1", Guid.Parse(job)), 1, 5);
    }

    // The ledger had ended the job when the runner died.
    [Fact]
    public async Task A_plan_whose_job_has_ended_follows_it()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync();
        var job = await tenant.SubmitAsync(tenant.Step("a", "x"));
        Assert.Null((await runner.Get<ILedger>().CloseJobAsync(new(tenant.TeamId, new(Guid.Parse(job)), "failed", null, null), CancellationToken.None)).Failure);

        await _bench.RunPlansAsync(runner);

        Assert.Equal(("ended", "a cancelled", ""), (await tenant.StateAsync(job), await tenant.StepsAsync(job), await tenant.MiscountsAsync()));
    }

    [Fact]
    public async Task A_plan_that_has_ended_tells_of_no_progress()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync(credits: 5);
        var release = new TaskCompletionSource();
        _bench.AnswerWith(async (http, prompt) =>
        {
            await release.Task;
            await StubGateway.Json(http, 200, BackgroundBench.Completion(prompt));
        });
        var job = await tenant.SubmitAsync(tenant.Step("a", "x"));
        await runner.Loop.ClaimAsync(CancellationToken.None);
        await BackgroundTenant.UntilAsync(() => Task.FromResult(_bench.Prompts.Any()));
        (await tenant.Client.PostAsync($"/api/jobs/{job}/cancel")).Is(200);

        release.SetResult();
        await runner.Loop.DrainAsync();

        Assert.Equal(0L, await _bench.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE topic = 'job.progress'"));
    }

    // Ten thousand steps with long texts, twenty plans at once: it ran into its time-out, rolled back, and took the same plans again.
    [Fact]
    public async Task A_large_plan_is_forgotten_in_pieces()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync();
        var job = await tenant.SubmitBatchAsync(1100);
        (await tenant.Client.PostAsync($"/api/jobs/{job}/cancel")).Is(200);
        await _bench.ExecuteAsync("UPDATE background_jobs SET ended_at = now() - interval '30 days'");
        await _bench.ExecuteAsync("""
            CREATE FUNCTION refuse_many() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              IF (SELECT count(*) FROM gone) > 500 THEN RAISE EXCEPTION 'too many in one statement'; END IF;
              RETURN NULL;
            END $$
            """);
        await _bench.ExecuteAsync("CREATE TRIGGER many AFTER DELETE ON background_steps REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION refuse_many()");

        Assert.False(await runner.Get<ForgetPlansPass>().RunAsync(CancellationToken.None));

        Assert.Equal((0L, 0L), (
            await _bench.ScalarAsync<long>("SELECT count(*) FROM background_steps"), await _bench.ScalarAsync<long>("SELECT count(*) FROM background_jobs")));
    }

    [Fact]
    public async Task What_was_asked_and_answered_is_forgotten_after_its_time_and_the_job_stays()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync();
        var (job, open) = (await tenant.SubmitAsync(tenant.Step("a", "x")), await tenant.SubmitAsync(tenant.Step("a", "y")));
        (await tenant.Client.PostAsync($"/api/jobs/{job}/cancel")).Is(200);
        await _bench.ExecuteAsync("UPDATE background_jobs SET ended_at = now() - interval '29 days 23 hours' WHERE state = 'ended'");
        await runner.Get<ForgetPlansPass>().RunAsync(CancellationToken.None);
        Assert.Equal(2L, await _bench.ScalarAsync<long>("SELECT count(*) FROM background_steps"));
        await _bench.ExecuteAsync("UPDATE background_jobs SET ended_at = now() - interval '30 days' WHERE state = 'ended'");

        Assert.False(await runner.Get<ForgetPlansPass>().RunAsync(CancellationToken.None));

        Assert.Equal(Guid.Parse(open), await _bench.ScalarAsync<Guid>("SELECT s.job_id FROM background_steps s JOIN background_jobs USING (team_id, job_id)"));
        Assert.Null((await tenant.ReadAsync(job))["progress"]);
        Assert.Equal("cancelled", (string)(await tenant.ReadAsync(job))["status"]!);
    }

    private static JobPlan Plan(BackgroundTenant tenant) => new(
        [new("a", tenant.Group, null, System.Text.Json.JsonElement.Parse("""{"messages":[{"role":"user","content":"x"}]}"""), [], 3)],
        null, 8, 5, null, TimeSpan.FromHours(1), false);

    private sealed class NoPrice : IPriceBook
    {
        public bool IsKnown => true;

        public ValueTask<long> NewestAsync(CancellationToken cancellation) => new(0);

        public ValueTask<long> NewestAsync(IReadOnlyCollection<string> models, CancellationToken cancellation) => new(0);

        public ValueTask<ModelPrice?> FindAsync(string model, long version, CancellationToken cancellation) => default;
    }
}
