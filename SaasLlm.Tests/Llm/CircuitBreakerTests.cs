using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Llm;

/// <summary>Models that keep failing rest, against a gateway that answers as the test says.</summary>
public sealed class CircuitBreakerTests
{
    [Fact]
    public async Task A_model_that_keeps_failing_is_skipped_and_a_good_fallback_never_is()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => body.Contains("secret-model-7", StringComparison.Ordinal)
            ? StubGateway.Json(http, 500, "{}")
            : StubGateway.Json(http, 200, StubGateway.Completion());
        using var bench = new CallerBench(gateway.BaseUrl, configure: options => options.BreakerFailures = 2, clock: new HandMovedTime());

        for (var call = 0; call < 4; call++)
        {
            Assert.Null((await bench.CallAsync()).Failure);
        }

        Assert.Equal(2, gateway.Requests.Count(request => request.Model == "secret-model-7"));
        Assert.Equal(4, gateway.Requests.Count(request => request.Model == "other-model-8"));
    }

    // Its one try after the rest was used up by calls that never came to it.
    [Fact]
    public async Task A_resting_fallback_keeps_its_try_until_it_is_needed()
    {
        var time = new HandMovedTime();
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl, configure: options =>
        {
            options.BreakerFailures = 1;
            options.BreakerRest = TimeSpan.FromMilliseconds(200);
        }, clock: time);
        bench.Breaker.Failed("other-model-8");
        time.Move(TimeSpan.FromMilliseconds(200));
        await bench.CallAsync();

        gateway.Answer = (http, body) => body.Contains("secret-model-7", StringComparison.Ordinal)
            ? StubGateway.Json(http, 500, "{}")
            : StubGateway.Json(http, 200, StubGateway.Completion());

        Assert.Null((await bench.CallAsync()).Failure);
    }

    [Fact]
    public async Task When_every_model_rests_they_are_tried_all_the_same()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl, configure: options => options.BreakerFailures = 1, clock: new HandMovedTime());
        bench.Breaker.Failed("secret-model-7");
        bench.Breaker.Failed("other-model-8");

        Assert.Null((await bench.CallAsync()).Failure);
        Assert.Equal("secret-model-7", Assert.Single(gateway.Requests).Model);
    }
}
