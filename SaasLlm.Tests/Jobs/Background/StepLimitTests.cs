using SaasLlm.Core.Jobs.Background;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>The limits of the key that submitted a job hold for its steps.</summary>
public sealed class StepLimitTests(AppFixture app) : IAsyncLifetime
{
    private readonly BackgroundBench _bench = new(app);

    public ValueTask InitializeAsync() => _bench.InitializeAsync();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task Steps_keep_to_the_limits_of_the_key_that_submitted_them_while_there_is_one()
    {
        var runner = await _bench.RunnerAsync(isStarted: false);
        var tenant = await _bench.TenantAsync();
        var (keyed, keyId) = await KeyedAsync(tenant);
        var job = await keyed.SubmitBatchAsync(3);

        Assert.Equal(3, await runner.RunReadyAsync());
        Assert.Equal("scheduled 2 rate_limit.exceeded, succeeded 1", await OutcomesAsync());

        // The key that replaces it has the same limit, and no call in its minute.
        var rotated = (await _bench.Operator.PostAsync($"/api/teams/{tenant.TeamId}/keys/{keyId}/rotate", """{"overlap_seconds":3600}""")).Is(200);
        await RunWaitingAsync(runner);
        Assert.Equal("scheduled 1 rate_limit.exceeded, succeeded 2", await OutcomesAsync());

        // What was accepted goes on, under the team's limits: it has none.
        (await _bench.Operator.DeleteAsync($"/api/teams/{tenant.TeamId}/keys/{(string)rotated["key_id"]!}")).Is(204);
        await RunWaitingAsync(runner);
        Assert.Equal("succeeded 3", await OutcomesAsync());
        Assert.Equal(3L, await _bench.ScalarAsync<long>("SELECT sum(tries) FROM background_steps"));
        await _bench.RunPlansAsync(runner);
        Assert.Equal("completed", (string)(await tenant.EndAsync(job))["status"]!);
    }

    [Fact]
    public async Task What_is_submitted_again_keeps_to_the_limits_of_whoever_asks_for_it()
    {
        var tenant = await _bench.TenantAsync();
        var (keyed, keyId) = await KeyedAsync(tenant);
        var job = await tenant.SubmitAsync(tenant.Step("a", "x"));
        (await tenant.Client.PostAsync($"/api/jobs/{job}/cancel")).Is(200);

        var byKey = (string)(await keyed.Client.PostAsync($"/api/jobs/{job}/retry")).Is(200)["job_id"]!;
        var byOperator = (string)(await _bench.Operator.PostAsync($"/api/jobs/{job}/retry")).Is(200)["job_id"]!;

        Assert.Equal((keyId, "none"), (await KeyOfAsync(byKey), await KeyOfAsync(byOperator)));
    }

    private async Task<(BackgroundTenant Keyed, string KeyId)> KeyedAsync(BackgroundTenant tenant)
    {
        var key = (await _bench.Operator.PostAsync(
            $"/api/teams/{tenant.TeamId}/keys/generate", """{"name":"batches","limits":{"requests_per_minute":1}}""")).Is(200);
        return (_bench.With(tenant, (string)key["virtual_key"]!), (string)key["key_id"]!);
    }

    private async Task RunWaitingAsync(TestRunner runner)
    {
        await _bench.ExecuteAsync("UPDATE background_steps SET run_after = now() WHERE status = 'scheduled'");
        await runner.Get<DueStepsPass>().RunAsync(CancellationToken.None);
        await runner.RunReadyAsync();
    }

    private Task<string> KeyOfAsync(string job)
        => _bench.ScalarAsync<string>("SELECT coalesce(key_id::text, 'none') FROM background_jobs WHERE job_id = $1", Guid.Parse(job));

    private Task<string> OutcomesAsync() => _bench.ScalarAsync<string>("""
        SELECT string_agg(concat_ws(' ', status, steps, error_code), ', ' ORDER BY status)
          FROM (SELECT status, error_code, count(*) AS steps FROM background_steps GROUP BY status, error_code) s
        """);
}
