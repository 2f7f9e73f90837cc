using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>How a runner that rests comes to know of work.</summary>
public sealed class WakeTests(AppFixture app) : IAsyncLifetime
{
    private readonly BackgroundBench _bench = new(app);

    public ValueTask InitializeAsync() => _bench.InitializeAsync();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    // It looks by itself once an hour. A ring may be lost while Redis is slow, so that each is waited for only a moment.
    [Fact]
    public async Task A_submitted_job_wakes_a_runner_that_rests()
    {
        var tenant = await _bench.TenantAsync();
        await _bench.RunnerAsync(poll: "01:00:00");
        await ListensAsync(tenant);

        await BackgroundTenant.UntilAsync(async () =>
        {
            await tenant.SubmitAsync(tenant.Step("a", "wake up"));
            await Task.Delay(500);
            return _bench.Prompts.Contains("wake up");
        });
    }

    [Fact]
    public async Task Work_that_nobody_told_of_is_found()
    {
        var tenant = await _bench.TenantAsync();
        await _bench.RunnerAsync();
        await ListensAsync(tenant);
        // For later, and then made ready without a ring.
        var job = await tenant.SubmitWithAsync($""" "run_at":"{TimeProvider.System.GetUtcNow().AddHours(1):O}" """, tenant.Step("a", "found"));
        await _bench.ExecuteAsync("UPDATE background_jobs SET state = 'active', started_at = now(), in_flight = 1 WHERE job_id = $1", Guid.Parse(job));
        await _bench.ExecuteAsync("UPDATE background_steps SET status = 'ready' WHERE job_id = $1", Guid.Parse(job));
        await _bench.ExecuteAsync("UPDATE background_teams SET ready = ready + 1 WHERE team_id = $1", tenant.TeamId);

        await BackgroundTenant.UntilAsync(() => Task.FromResult(_bench.Prompts.Contains("found")));
    }

    // It runs something, and then rests. Until it listens, it is told of nothing.
    private Task ListensAsync(BackgroundTenant tenant) => BackgroundTenant.UntilAsync(async () =>
    {
        await tenant.SubmitAsync(tenant.Step("a", "first"));
        await Task.Delay(200);
        return await _bench.ScalarAsync<bool>("SELECT bool_and(status = 'succeeded') FROM background_steps");
    });
}
