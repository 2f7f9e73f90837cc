using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Jobs.Background;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>What is measured of background steps.</summary>
public sealed class StepTelemetryTests(AppFixture app) : IAsyncLifetime
{
    private readonly BackgroundBench _bench = new(app);
    private readonly MetricLog _metrics = new();

    public ValueTask InitializeAsync() => _bench.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await _bench.DisposeAsync();
        _metrics.Dispose();
    }

    [Fact]
    public async Task Runs_are_counted_by_what_became_of_the_step_with_how_long_it_waited_and_took()
    {
        var (runner, tenant) = (await RunnerAsync(), await _bench.TenantAsync());
        _bench.AnswerWith((http, prompt) => prompt switch
        {
            "good" => StubGateway.Json(http, 200, BackgroundBench.Completion("x")),
            "busy" => StubGateway.Json(http, 429, """{"error":{"message":"litellm.RateLimitError: slow down","type":"throttling_error","code":"429"}}"""),
            _ => StubGateway.Json(http, 400, """{"error":{"message":"litellm.BadRequestError: no","type":"invalid_request_error","code":"400"}}"""),
        });
        await tenant.SubmitWithAsync(""" "mode":"parallel","on_step_failure":"continue" """, tenant.Step("a", "good"), tenant.Step("b", "bad"), tenant.Step("c", "busy"));
        await _bench.ExecuteAsync("UPDATE background_steps SET ready_at = ready_at - interval '1 hour'");
        await runner.Get<LostStepsPass>().RunAsync(CancellationToken.None);
        _metrics.Observe();
        Assert.Equal([3], _metrics.Of("saasllm.jobs.steps.ready").Select(one => one.Value));

        Assert.Equal(3, await runner.RunReadyAsync());

        Assert.Equal(
            [
                "saasllm.jobs.error=llm.rate_limited, saasllm.jobs.outcome=put_back", "saasllm.jobs.error=llm.request_rejected, saasllm.jobs.outcome=failed",
                "saasllm.jobs.error=none, saasllm.jobs.outcome=succeeded",
            ],
            _metrics.Of("saasllm.jobs.steps").Select(one => string.Join(", ", one.Texts)).Order(StringComparer.Ordinal));
        Assert.Equal(
            ["saasllm.jobs.outcome=failed", "saasllm.jobs.outcome=put_back", "saasllm.jobs.outcome=succeeded"],
            _metrics.Of("saasllm.jobs.step.duration").Select(one => one.Texts.Single()).Order(StringComparer.Ordinal));
        Assert.All(_metrics.Of("saasllm.jobs.step.duration"), one => Assert.InRange(one.Value, 0.0001m, 60));
        Assert.Equal(3, _metrics.Of("saasllm.jobs.step.wait").Count);
        Assert.All(_metrics.Of("saasllm.jobs.step.wait"), one => Assert.InRange(one.Value, 3600, 3660));
        Assert.Equal([-1, -1, -1, 1, 1, 1], _metrics.Of("saasllm.jobs.steps.running").Select(one => one.Value).Order());
        await runner.Get<LostStepsPass>().RunAsync(CancellationToken.None);
        _metrics.Observe();
        Assert.Equal([3, 0], _metrics.Of("saasllm.jobs.steps.ready").Select(one => one.Value));
    }

    [Fact]
    public async Task Leases_that_ran_out_are_counted_and_steps_that_failed_for_it()
    {
        var (runner, tenant) = (await RunnerAsync(), await _bench.TenantAsync());
        await tenant.SubmitAsync(tenant.Step("a", "poison"));
        for (var claims = 0; claims < 5; claims++)
        {
            Assert.Single(await runner.Steps.ClaimAsync(10, 10, 0, TimeSpan.FromSeconds(30), [], CancellationToken.None));
            Assert.Equal(0, _metrics.Of("saasllm.jobs.steps.poisoned").Sum(one => one.Value));
            await _bench.ExecuteAsync("UPDATE background_steps SET lease_until = now() - interval '1 second' WHERE status = 'running'");
            await runner.Get<LostStepsPass>().RunAsync(CancellationToken.None);
        }

        Assert.Equal((5, 1), (_metrics.Of("saasllm.jobs.leases_lost").Sum(one => one.Value), _metrics.Of("saasllm.jobs.steps.poisoned").Sum(one => one.Value)));
    }

    // Its lease was lost while it was called: another runner has it.
    [Fact]
    public async Task What_a_runner_could_not_keep_is_lost()
    {
        var (runner, tenant) = (await RunnerAsync(), await _bench.TenantAsync());
        await tenant.SubmitAsync(tenant.Step("a", "x"));
        _bench.AnswerWith(async (http, prompt) =>
        {
            await _bench.ExecuteAsync("UPDATE background_steps SET lease_token = gen_random_uuid()");
            await StubGateway.Json(http, 200, BackgroundBench.Completion(prompt));
        });

        Assert.Equal(1, await runner.RunReadyAsync());

        Assert.Equal(["saasllm.jobs.error=llm.answer_not_kept", "saasllm.jobs.outcome=lost"], _metrics.Of("saasllm.jobs.steps").Single().Texts);
    }

    private Task<TestRunner> RunnerAsync() => _bench.RunnerAsync(isStarted: false, services => services.AddSingleton<IMeterFactory>(_metrics));
}
