using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Llm;

/// <summary>What a call writes down, and when: its attempts, their cost, its end.</summary>
public sealed class CallBooksTests
{
    private static readonly Failure s_storeGone = new(FailureKind.Unavailable, "store.unavailable", "Gone.");
    private static readonly Failure s_jobEnded = new(FailureKind.Conflict, "job.ended", "Ended.");

    [Fact]
    public async Task A_cut_and_a_late_answer_cost_what_nobody_knows()
    {
        var time = new HandMovedTime();
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = async (http, body) =>
        {
            if (body.Contains("secret-model-7", StringComparison.Ordinal))
            {
                http.Abort();
                return;
            }

            time.Move(TimeSpan.FromMilliseconds(300));
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        };
        using var bench = new CallerBench(gateway.BaseUrl, configure: options => options.AttemptTimeout = TimeSpan.FromMilliseconds(300), clock: time);

        var result = await bench.CallAsync();

        Assert.Equal("llm.all_models_failed", result.Failure?.Code);
        Assert.Equal(["model_failed", "timed_out"], bench.Ledger.Outcomes);
        Assert.Null(Assert.Single(bench.Ledger.Of<NextAttempt>()).Ended.ProviderCostUsd);
        Assert.Null(Assert.Single(bench.Ledger.Of<EndCall>()).ProviderCostUsd);
    }

    [Fact]
    public async Task The_attempt_is_written_before_it_is_sent()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl);
        bench.Ledger.Refuse = command => command is StartCall ? s_jobEnded : null;

        var result = await bench.CallAsync();

        Assert.Equal(s_jobEnded, result.Failure);
        Assert.Empty(gateway.Requests);
    }

    [Fact]
    public async Task The_answer_is_billed_at_the_model_that_gave_it()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl);

        var result = await bench.CallAsync();

        // 800 input at 10, 200 cached at 1, 500 output at 30, per million; the client pays 20 % more.
        var end = Assert.Single(bench.Ledger.Of<EndCall>());
        Assert.Equal((0.0232m, 0.1m), (end.ProviderCostUsd, end.GatewayCostUsd));
        Assert.Equal(0.02784m, end.ClientCostUsd);
        Assert.Equal(new TokenUsage(1000, 200, 500, 100), end.Usage);
        Assert.Equal(1500, result.Value.Usage.Total);
    }

    [Fact]
    public async Task Usage_of_zero_is_a_provider_that_said_nothing()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => body.Contains("secret-model-7", StringComparison.Ordinal)
            ? StubGateway.Json(http, 500, StubGateway.Error("litellm.InternalServerError: x"))
            : StubGateway.Json(http, 200, """{"choices":[{"message":{"content":"Hi"}}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}""");
        using var bench = new CallerBench(gateway.BaseUrl);

        var result = await bench.CallAsync();

        // The first attempt cost nothing, the second nobody knows: together unknown.
        var end = Assert.Single(bench.Ledger.Of<EndCall>());
        Assert.Null(end.ProviderCostUsd);
        Assert.Null(end.ClientCostUsd);
        Assert.Equal(0, result.Value.Response.GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task An_answer_in_hand_waits_for_the_store_to_come_back()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl);
        var refusals = 0;
        bench.Ledger.Refuse = command => command is EndCall && refusals++ < 2 ? s_storeGone : null;

        var result = await bench.CallAsync();

        Assert.Null(result.Failure);
        Assert.Equal(3, bench.Ledger.Of<EndCall>().Count());
        Assert.Single(bench.Ledger.Of<EndCall>().Distinct());
        Assert.Single(gateway.Requests);
    }

    [Fact]
    public async Task A_store_that_stays_gone_is_503_at_the_deadline()
    {
        var time = new HandMovedTime();
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl, configure: options => options.CallTimeout = TimeSpan.FromSeconds(1), clock: time);
        bench.Ledger.Refuse = command => command is EndCall ? s_storeGone : null;

        var call = bench.CallAsync();
        await Eventually.IsSoAsync(() => bench.Ledger.Of<EndCall>().Any(), () => "the call did not end");
        await time.MoveUntilAsync(call, TimeSpan.FromMilliseconds(100));

        Assert.Equal(s_storeGone, (await call).Failure);
    }

    [Fact]
    public async Task A_job_that_ended_meanwhile_gets_409_and_its_cost_is_recorded()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl);
        bench.Ledger.Refuse = command => command is EndCall ? s_jobEnded : null;

        var result = await bench.CallAsync();

        Assert.Equal(s_jobEnded, result.Failure);
        Assert.Equal(0.0232m, Assert.Single(bench.Ledger.Of<EndCall>()).Ended!.ProviderCostUsd);
    }

    [Fact]
    public async Task A_job_that_ended_between_two_models_is_not_asked_again()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 500, "{}");
        using var bench = new CallerBench(gateway.BaseUrl);
        bench.Ledger.Refuse = command => command is NextAttempt or EndCall ? s_jobEnded : null;

        var result = await bench.CallAsync();

        Assert.Equal(s_jobEnded, result.Failure);
        Assert.Single(gateway.Requests);
        var end = Assert.Single(bench.Ledger.Of<EndCall>());
        Assert.Equal((null, 1), (end.Ended, end.Attempts));
    }

    // Its end is in the books: nobody may be told that only the store knows.
    [Theory]
    [InlineData("store.unavailable")]
    [InlineData("store.outcome_unknown")]
    public async Task A_store_that_was_gone_between_two_models_ends_the_call_as_failed(string code)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 500, "{}");
        using var bench = new CallerBench(gateway.BaseUrl);
        bench.Ledger.Refuse = command => command is NextAttempt ? s_storeGone with { Code = code } : null;

        var failure = (await bench.CallAsync()).Failure!;

        Assert.Equal((FailureKind.Unavailable, "llm.call_interrupted"), (failure.Kind, failure.Code));
        Assert.NotNull(failure.RetryAfter);
        Assert.Single(gateway.Requests);
        var end = Assert.Single(bench.Ledger.Of<EndCall>());
        Assert.Equal(("llm.call_interrupted", "model_failed", 1), (end.ErrorCode, end.Ended?.Outcome, end.Attempts));
    }

    [Fact]
    public async Task A_caller_that_leaves_does_not_stop_the_call()
    {
        await using var gateway = await StubGateway.StartAsync();
        var mayAnswer = new TaskCompletionSource();
        gateway.Answer = async (http, _) =>
        {
            await mayAnswer.Task;
            await StubGateway.Json(http, 200, StubGateway.Completion());
        };
        using var bench = new CallerBench(gateway.BaseUrl);
        using var caller = new CancellationTokenSource();

        var call = bench.CallAsync(cancellation: caller.Token);
        await Eventually.IsSoAsync(() => !gateway.Requests.IsEmpty, () => "the call was not sent");
        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        mayAnswer.SetResult();

        await Eventually.IsSoAsync(() => bench.Ledger.Of<EndCall>().Any(), () => "the call did not end");
        Assert.Equal("secret-model-7", Assert.Single(bench.Ledger.Of<EndCall>()).ResolvedModel);
    }

    [Fact]
    public async Task A_job_that_opened_before_the_newest_prices_is_charged_by_its_own()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, """{"choices":[{"message":{"content":"Hi"}}],"usage":{"prompt_tokens":1000,"completion_tokens":500}}""");
        using var bench = new CallerBench(gateway.BaseUrl);
        bench.Prices.Newest = 7;
        foreach (var model in CallerBench.TwoModels)
        {
            bench.Prices.ByVersion[(model, 7)] = new(1_000, 3_000);
        }

        bench.Ledger.Refuse = command => command is StartCall { PriceVersion: 7 } ? JobsPrices.Are(0) : null;

        Assert.Null((await bench.CallAsync()).Failure);
        Assert.Equal([7L, 0L], bench.Ledger.Of<StartCall>().Select(start => start.PriceVersion));
        Assert.Equal(0.025m, Assert.Single(bench.Ledger.Of<EndCall>()).ProviderCostUsd);
        Assert.Single(gateway.Requests);
    }

    [Fact]
    public async Task A_call_is_priced_by_the_version_that_the_gateways_list_is_in()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl, ["secret-model-7"]);
        (bench.Prices.IsKnown, bench.Prices.NewestOfGateway) = (false, 3);
        bench.Prices.ByVersion[("secret-model-7", 3)] = new(1_000, 3_000, 1_000);

        Assert.Null((await bench.CallAsync()).Failure);

        Assert.Equal(3, Assert.Single(bench.Ledger.Of<StartCall>()).PriceVersion);
        Assert.Equal(2.5m, Assert.Single(bench.Ledger.Of<EndCall>()).ProviderCostUsd);
    }
}
