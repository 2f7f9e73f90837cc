using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs.Background;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>Runners that die, and several at once: no finished step is repeated, nothing is charged twice or not at all.</summary>
public sealed class RecoveryTests(AppFixture app) : IAsyncLifetime
{
    private readonly BackgroundBench _bench = new(app);

    public ValueTask InitializeAsync() => _bench.InitializeAsync();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task Several_runners_at_once_make_each_call_once()
    {
        var tenant = await _bench.TenantAsync(credits: 3);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => _bench.RunnerAsync()));

        var jobs = await Task.WhenAll(
            tenant.SubmitBatchAsync(150, "first {{input}}"), tenant.SubmitBatchAsync(150, "second {{input}}"),
            tenant.SubmitAsync(tenant.Step("a", "a"), tenant.Step("b", "b {{steps.a.content}}")));

        Assert.All(await Task.WhenAll(jobs.Select(job => tenant.EndAsync(job))), job => Assert.Equal("completed", (string)job["status"]!));
        Assert.Equal((302, 302), (_bench.Prompts.Count(), _bench.Prompts.Distinct(StringComparer.Ordinal).Count()));
        Assert.Equal((0m, 0m, 3m), await tenant.CreditsAsync());
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    // The first runner was only slow: when it comes back, its answer is worth nothing any more.
    [Fact]
    public async Task A_runner_that_lost_its_lease_saves_nothing_and_bills_nothing()
    {
        var (first, second) = (await _bench.RunnerAsync(isStarted: false), await _bench.RunnerAsync(isStarted: false));
        var tenant = await _bench.TenantAsync(credits: 5);
        (await _bench.Operator.SendAsync(HttpMethod.Patch, $"/api/credits/teams/{tenant.TeamId}/budget-mode", """{"budget_mode":"consumption_usd"}""")).Is(200);
        var release = new TaskCompletionSource();
        var calls = 0;
        _bench.AnswerWith(async (http, _) =>
        {
            var number = Interlocked.Increment(ref calls);
            if (number == 1)
            {
                await release.Task;
            }

            await StubGateway.Json(http, 200, BackgroundBench.Completion($"answer {number}"));
        });
        var job = await tenant.SubmitAsync(tenant.Step("a", "x"));
        Assert.Equal(1, await first.Loop.ClaimAsync(CancellationToken.None));
        await BackgroundTenant.UntilAsync(() => Task.FromResult(calls == 1));

        await ExpireLeasesAsync();
        await second.Get<LostStepsPass>().RunAsync(CancellationToken.None);
        Assert.Equal(1, await second.RunReadyAsync());
        release.SetResult();
        await first.Loop.DrainAsync();
        await _bench.RunPlansAsync(second);

        var ended = await tenant.EndAsync(job);
        Assert.Equal(("completed", 1, 2), ((string)ended["status"]!, (int)ended["successful_calls"]!, (int)ended["total_calls"]!));
        Assert.Equal(0.0232m, (decimal)ended["total_cost_usd"]!); // 800 × 10, 200 × 1 and 500 × 30 per million, of one call.
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    // What it had taken and not run would lie until its lease ends, and count as tried.
    [Fact]
    public async Task A_claim_that_has_begun_is_finished_by_a_runner_that_stops()
    {
        var runner = await _bench.RunnerAsync(isStarted: false, services => services.Configure<BackgroundJobOptions>(options => options.AllStepsMax = 10));
        var tenant = await _bench.TenantAsync();
        var job = await tenant.SubmitAsync(tenant.Step("a", "x"));
        using var stopping = new CancellationTokenSource();
        Task<int> claim;
        await using (await _bench.HoldClaimsAsync())
        {
            claim = runner.Loop.ClaimAsync(stopping.Token);
            await BackgroundTenant.UntilAsync(() => _bench.ScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"));
            await stopping.CancelAsync();
        }

        Assert.Equal(1, await claim);
        await runner.Loop.DrainAsync();
        Assert.Equal("a succeeded", await tenant.StepsAsync(job));
    }

    // The call of a runner that died is running as far as the ledger knows.
    [Fact]
    public async Task A_job_ends_with_its_steps_though_a_lost_call_is_still_open()
    {
        var (first, second) = (await _bench.RunnerAsync(isStarted: false), await _bench.RunnerAsync(isStarted: false));
        var tenant = await _bench.TenantAsync(credits: 5);
        var release = new TaskCompletionSource();
        var calls = 0;
        _bench.AnswerWith(async (http, _) =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                await release.Task;
            }

            await StubGateway.Json(http, 200, BackgroundBench.Completion("x"));
        });
        var job = await tenant.SubmitAsync(tenant.Step("a", "x"));
        await first.Loop.ClaimAsync(CancellationToken.None);
        await BackgroundTenant.UntilAsync(() => Task.FromResult(calls == 1));
        await ExpireLeasesAsync();
        await second.Get<LostStepsPass>().RunAsync(CancellationToken.None);
        await second.RunReadyAsync();

        await _bench.RunPlansAsync(second);

        // The runner looks after its plans by itself when a step has ended; whoever comes first ends the job.
        var ended = await tenant.EndAsync(job);
        Assert.Equal(("completed", 1, 2), ((string)ended["status"]!, (int)ended["successful_calls"]!, (int)ended["total_calls"]!));
        release.SetResult();
        await first.Loop.DrainAsync();
        Assert.Equal((4m, 0m, 1m), await tenant.CreditsAsync());
    }

    // Whatever the job's counters say.
    [Fact]
    public async Task A_saved_step_is_billed_though_another_call_of_the_job_was_counted()
    {
        var dying = await _bench.RunnerAsync(isStarted: false, services => services.AddSingleton(
            provider => DyingLedger.Before(ActivatorUtilities.CreateInstance<Ledger>(provider))));
        var tenant = await _bench.TenantAsync(credits: 5);
        var job = await tenant.SubmitAsync(tenant.Step("a", "only once"));
        await dying.RunReadyAsync();
        await _bench.ExecuteAsync("UPDATE jobs SET started_calls = 2, successful_calls = 1 WHERE team_id = $1", tenant.TeamId);

        await _bench.RunnerAsync();

        Assert.Equal(2, (int)(await tenant.EndAsync(job))["successful_calls"]!);
    }

    // It died after the step was saved and before its call was billed.
    [Fact]
    public async Task A_step_that_was_saved_is_billed_in_place_of_its_runner_and_not_repeated()
    {
        var dying = await _bench.RunnerAsync(isStarted: false, services => services.AddSingleton(
            provider => DyingLedger.Before(ActivatorUtilities.CreateInstance<Ledger>(provider))));
        var tenant = await _bench.TenantAsync(credits: 5);
        var job = await tenant.SubmitAsync(tenant.Step("a", "only once"));

        await dying.RunReadyAsync();
        Assert.Equal("a succeeded", await tenant.StepsAsync(job));
        Assert.Equal(0, (int)(await tenant.ReadAsync(job))["successful_calls"]!);
        await _bench.RunnerAsync();

        var ended = await tenant.EndAsync(job);
        Assert.Equal(("completed", true, 1), ((string)ended["status"]!, (bool)ended["credit_applied"]!, (int)ended["successful_calls"]!));
        Assert.Single(_bench.Prompts, "only once");
        Assert.Equal((4m, 0m, 1m), await tenant.CreditsAsync());
        Assert.Equal("succeeded", await _bench.ScalarAsync<string>("SELECT status FROM llm_attempts WHERE team_id = $1", tenant.TeamId));
    }

    [Fact]
    public async Task A_step_that_takes_its_runner_with_it_each_time_fails_its_job_with_a_reason()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync(credits: 5);
        var job = await tenant.SubmitAsync(tenant.Step("a", "poison"), tenant.Step("b", "never"));
        for (var claims = 0; claims < 5; claims++)
        {
            Assert.Single(await runner.Steps.ClaimAsync(10, 10, 0, TimeSpan.FromSeconds(30), [], CancellationToken.None));
            await ExpireLeasesAsync();
            await runner.Get<LostStepsPass>().RunAsync(CancellationToken.None);
        }

        Assert.Empty(await runner.Steps.ClaimAsync(10, 10, 0, TimeSpan.FromSeconds(30), [], CancellationToken.None));
        await _bench.RunPlansAsync(runner);
        var ended = await tenant.EndAsync(job);
        Assert.Equal(("failed", "background.poisoned: The step was begun several times, and never came to an end."), ((string)ended["status"]!, (string)ended["error_message"]!));
        Assert.Equal("a failed, b skipped", await tenant.StepsAsync(job));
        Assert.Equal((5m, 0m, 0m), await tenant.CreditsAsync());
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    [Fact]
    public async Task A_lease_that_is_kept_is_not_lost()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync();
        await tenant.SubmitAsync(tenant.Step("a", "x"));
        var claimed = await runner.Steps.ClaimAsync(1, 1, 0, TimeSpan.FromSeconds(30), [], CancellationToken.None);
        await ExpireLeasesAsync();

        await runner.Steps.RenewAsync(claimed, TimeSpan.FromSeconds(30), CancellationToken.None);

        Assert.Empty(await runner.Steps.OverdueAsync(10, CancellationToken.None));
        await runner.Steps.RenewAsync([claimed[0] with { Token = Guid.NewGuid() }], TimeSpan.Zero, CancellationToken.None);
        Assert.Empty(await runner.Steps.OverdueAsync(10, CancellationToken.None));
    }

    // Kill -9, in the middle of it, of one of two processes; the other goes on.
    [Fact]
    public async Task A_killed_runner_repeats_no_finished_step_and_every_job_is_charged_once()
    {
        var tenant = await _bench.TenantAsync(credits: 100);
        (await _bench.Operator.PutAsync("/api/prices/models/model-a", """{"input_usd_per_million":10,"output_usd_per_million":30,"reason":"Test"}""")).Is(200);
        var ended = 0;
        var half = new TaskCompletionSource();
        _bench.AnswerWith(async (http, prompt) =>
        {
            await Task.Delay(5);
            await StubGateway.Json(http, 200, BackgroundBench.Completion(prompt));
            if (Interlocked.Increment(ref ended) == 60)
            {
                half.TrySetResult();
            }
        });
        await using var first = _bench.StartProcess();
        await using var second = _bench.StartProcess();
        var jobs = new List<string>();
        for (var number = 0; number < 40; number++)
        {
            jobs.Add(await tenant.SubmitAsync(tenant.Step("a", $"{number} a"), tenant.Step("b", $"{number} b {{{{steps.a.content}}}}"), tenant.Step("c", $"{number} c")));
        }

        await half.Task.WaitAsync(TimeSpan.FromMinutes(3));
        first.Kill();

        foreach (var job in jobs)
        {
            Assert.Equal("completed", (string)(await tenant.EndAsync(job, TimeSpan.FromMinutes(3)))["status"]!);
        }

        Assert.Equal((60m, 0m, 40m), await tenant.CreditsAsync());
        Assert.Equal("120 120 120", await _bench.ScalarAsync<string>("""
            SELECT sum(b.succeeded) || ' ' || sum(j.successful_calls) || ' ' || (SELECT count(*) FROM llm_calls WHERE status = 'succeeded')
              FROM background_jobs b JOIN jobs j USING (team_id, job_id)
            """));
        // What ran when it was killed is asked again, and nothing else: at most its places.
        Assert.InRange(_bench.Prompts.Count(), 120, 120 + 16);
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    private Task ExpireLeasesAsync() => _bench.ExecuteAsync("UPDATE background_steps SET lease_until = now() - interval '1 second' WHERE status = 'running'");
}
