using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs.Background;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>Whose turn it is.</summary>
public sealed class FairnessTests(AppFixture app) : IAsyncLifetime
{
    private readonly BackgroundBench _bench = new(app);

    public ValueTask InitializeAsync() => _bench.InitializeAsync();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task A_team_with_five_thousand_steps_does_not_delay_anothers_one()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var (busy, other) = (await _bench.TenantAsync(), await _bench.TenantAsync());
        await busy.SubmitBatchAsync(5000, members: """ "max_parallelism":256 """);
        Assert.Equal(4, (await ClaimAsync(runner, 4, 100)).Count);
        await other.SubmitAsync(other.Step("a", "one"));

        var claimed = await ClaimAsync(runner, 4, 100);

        Assert.Equal([busy.TeamId, busy.TeamId, busy.TeamId, other.TeamId], claimed.Select(step => step.Id.TeamId).Order(Comparer<string>.Create(
            (one, two) => one == two ? 0 : one == busy.TeamId ? -1 : 1)));
    }

    // One of each before a second of any.
    [Fact]
    public async Task Places_are_shared_by_the_teams_that_wait()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var teams = new List<BackgroundTenant>();
        for (var number = 0; number < 3; number++)
        {
            teams.Add(await _bench.TenantAsync());
            await teams[number].SubmitBatchAsync(20);
        }

        var claimed = await ClaimAsync(runner, 9, 100);

        Assert.Equal([3, 3, 3], teams.Select(team => claimed.Count(step => step.Id.TeamId == team.TeamId)));
    }

    // Two places, three teams: who was left out is first the next time.
    [Fact]
    public async Task Who_was_served_least_recently_is_next()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var teams = new List<BackgroundTenant> { await _bench.TenantAsync(), await _bench.TenantAsync(), await _bench.TenantAsync() };
        foreach (var team in teams)
        {
            await team.SubmitBatchAsync(20);
        }

        var served = new List<string>();
        for (var turn = 0; turn < 6; turn++)
        {
            served.AddRange((await ClaimAsync(runner, 1, 100)).Select(step => step.Id.TeamId));
        }

        Assert.Equal([.. teams.Select(team => team.TeamId), .. teams.Select(team => team.TeamId)], served);
    }

    [Fact]
    public async Task A_team_runs_no_more_at_once_than_it_may_on_all_runners_together()
    {
        var (one, two) = (await _bench.RunnerAsync(isStarted: false), await _bench.RunnerAsync(isStarted: false));
        var tenant = await _bench.TenantAsync();
        await tenant.SubmitBatchAsync(50);

        Assert.Equal(3, (await ClaimAsync(one, 3, 5)).Count);
        Assert.Equal(2, (await ClaimAsync(two, 64, 5)).Count);
        Assert.Empty(await ClaimAsync(one, 64, 5));
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    [Fact]
    public async Task All_teams_together_run_no_more_at_once_than_they_may_on_all_runners_together()
    {
        var (one, two) = (await _bench.RunnerAsync(isStarted: false), await _bench.RunnerAsync(isStarted: false));
        var (first, second) = (await _bench.TenantAsync(), await _bench.TenantAsync());
        await first.SubmitBatchAsync(50);
        await second.SubmitBatchAsync(50);

        Assert.Equal(5, (await ClaimAsync(one, 5, 100, allMax: 8)).Count);
        var rest = await ClaimAsync(two, 64, 100, allMax: 8);
        Assert.Equal(3, rest.Count);
        Assert.Empty(await ClaimAsync(one, 64, 100, allMax: 8));

        // What ends makes room for as many.
        var failure = new Failure(FailureKind.UpstreamFailed, "test", "Test.");
        await two.Steps.SaveAsync([.. rest.Take(2).Select(step => new StepPutBack(step.Id, step.Token, TimeSpan.FromHours(1), false, failure))], CancellationToken.None);
        Assert.Equal(2, (await ClaimAsync(one, 64, 100, allMax: 8)).Count);
        // A lower limit ends nothing, and a higher one is at once in force.
        Assert.Empty(await ClaimAsync(one, 64, 100, allMax: 3));
        Assert.Equal(4, (await ClaimAsync(one, 4, 100, allMax: 100)).Count);
        Assert.Equal(("", ""), (await first.MiscountsAsync(), await second.MiscountsAsync()));
    }

    // Another runner's claim took six, and has not committed: this one waits for it, and sees them.
    [Fact]
    public async Task Runners_that_claim_at_the_same_moment_do_not_pass_the_limit_of_all()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var (first, second) = (await _bench.TenantAsync(), await _bench.TenantAsync());
        await first.SubmitBatchAsync(50);
        await second.SubmitBatchAsync(50);
        await using var other = await runner.Get<BackgroundDatabase>().Source.OpenConnectionAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await ExecuteAsync(other, StepSql.OneClaimAtATime);
        await ExecuteAsync(other, $"UPDATE background_teams SET ready = ready - 6, running = 6 WHERE team_id = '{first.TeamId}'");

        var claim = ClaimAsync(runner, 64, 100, allMax: 8);
        await BackgroundTenant.UntilAsync(async () => claim.IsCompleted || await _bench.ScalarAsync<bool>("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"));
        await transaction.CommitAsync();

        Assert.Equal(2, (await claim).Count);
    }

    [Fact]
    public async Task Within_a_team_priority_comes_first_and_then_who_came_first()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync();
        var early = await tenant.SubmitWithAsync(""" "mode":"parallel" """, tenant.Step("a", "x"), tenant.Step("b", "x"));
        await WallClock.NextIdAsync();
        var late = await tenant.SubmitAsync(tenant.Step("a", "x"));
        var urgent = await tenant.SubmitWithAsync(""" "priority":0 """, tenant.Step("a", "x"));

        var order = new List<string>();
        while (await ClaimAsync(runner, 1, 10) is [var step])
        {
            order.Add($"{step.Id.JobId} {step.Id.Ordinal}");
        }

        Assert.Equal([$"{urgent} 0", $"{early} 0", $"{early} 1", $"{late} 0"], order);
    }

    // Nobody cuts a call off when its job is cancelled: it runs on for as long as the model takes.
    [Fact]
    public async Task A_team_that_submits_and_cancels_takes_no_more_places_of_a_runner_than_it_may()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var (restless, other) = (await _bench.TenantAsync(), await _bench.TenantAsync());
        var release = HoldAnswers();
        var claimed = new List<int>();
        for (var turn = 0; turn < 4; turn++)
        {
            var job = await restless.SubmitBatchAsync(16, "Wanted no more");
            claimed.Add(await runner.Loop.ClaimAsync(CancellationToken.None));
            // A call that has not been sent is none.
            await BackgroundTenant.UntilAsync(() => Task.FromResult(_bench.Prompts.Count() >= claimed.Sum()));
            (await restless.Client.PostAsync($"/api/jobs/{job}/cancel")).Is(200);
        }

        var wanted = await other.SubmitAsync(other.Step("a", "Wanted"));
        claimed.Add(await runner.Loop.ClaimAsync(CancellationToken.None));
        await BackgroundTenant.UntilAsync(() => Task.FromResult(_bench.Prompts.Count() == 17));

        Assert.Equal([16, 0, 0, 0, 1], claimed);
        Assert.Single(_bench.Prompts, "Wanted");
        release.SetResult();
        await runner.Loop.DrainAsync();
        await _bench.RunPlansAsync(runner);
        Assert.Equal("completed", (string)(await other.EndAsync(wanted))["status"]!);
        // Those calls have ended, and the places are the team's again.
        await restless.SubmitBatchAsync(20);
        Assert.Equal(16, await runner.RunReadyAsync());
        Assert.Equal("", await restless.MiscountsAsync());
    }

    [Fact]
    public async Task Calls_whose_steps_were_taken_back_keep_their_places_in_their_runner()
    {
        var (runner, next) = (await _bench.RunnerAsync(isStarted: false), await _bench.RunnerAsync(isStarted: false));
        var tenant = await _bench.TenantAsync();
        var release = HoldAnswers();
        await tenant.SubmitBatchAsync(10);
        Assert.Equal(10, await runner.Loop.ClaimAsync(CancellationToken.None));
        await _bench.ExecuteAsync("UPDATE background_steps SET lease_until = now() - interval '1 second' WHERE status = 'running'");
        await runner.Get<LostStepsPass>().RunAsync(CancellationToken.None);

        Assert.Equal((6, 4), (await runner.Loop.ClaimAsync(CancellationToken.None), await next.Loop.ClaimAsync(CancellationToken.None)));

        release.SetResult();
        await runner.Loop.DrainAsync();
        await next.Loop.DrainAsync();
        Assert.Equal("", await tenant.MiscountsAsync());
    }

    // No call is answered until the test says so.
    private TaskCompletionSource HoldAnswers()
    {
        var release = new TaskCompletionSource();
        _bench.AnswerWith(async (http, prompt) =>
        {
            await release.Task;
            await StubGateway.Json(http, 200, BackgroundBench.Completion(prompt));
        });
        return release;
    }

    private static async Task ExecuteAsync(Npgsql.NpgsqlConnection connection, string sql)
    {
        await using var command = new Npgsql.NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static Task<IReadOnlyList<ClaimedStep>> ClaimAsync(TestRunner runner, int steps, int teamMax, int allMax = 0)
        => runner.Steps.ClaimAsync(steps, teamMax, allMax, TimeSpan.FromSeconds(30), [], CancellationToken.None);
}
