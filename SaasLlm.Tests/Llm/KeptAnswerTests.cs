using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Llm;

/// <summary>A caller that stores each answer before it is billed.</summary>
public sealed class KeptAnswerTests
{
    [Fact]
    public async Task The_answer_is_kept_once_and_before_the_call_ends()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl);
        List<(LlmAnswer Answer, int EndsBefore)> kept = [];
        bench.Answered = (answer, _) =>
        {
            kept.Add((answer, bench.Ledger.Of<EndCall>().Count()));
            return Task.FromResult(true);
        };

        var result = await bench.CallAsync();

        var (given, before) = Assert.Single(kept);
        Assert.Equal(0, before);
        Assert.Equal(result.Value.Response.GetRawText(), given.Response.GetRawText());
        Assert.Equal((result.Value.CallId, 1500L, "ResumeAgent"), (given.CallId, given.Usage.Total, given.ModelGroup));
        Assert.Equal((null, 0.0232m), (Assert.Single(bench.Ledger.Of<EndCall>()).ErrorCode, bench.Ledger.Of<EndCall>().Single().ProviderCostUsd));
    }

    [Fact]
    public async Task A_stream_is_kept_before_it_is_billed_too()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Events(http, """{"choices":[{"index":0,"delta":{"content":"Hi"}}]}""", "[DONE]");
        using var bench = new CallerBench(gateway.BaseUrl);
        var endsBefore = -1;
        bench.Answered = (_, _) =>
        {
            endsBefore = bench.Ledger.Of<EndCall>().Count();
            return Task.FromResult(true);
        };

        var stream = (await bench.StreamAsync()).Value;

        Assert.Null((await stream.End).Failure);
        Assert.Equal(0, endsBefore);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_that_is_not_kept_is_recorded_and_not_billed(bool isItsOwnJob)
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl);
        bench.Answered = (_, _) => Task.FromResult(false);

        var result = await bench.CallAsync(job: isItsOwnJob ? NewJob() : null);

        Assert.Equal((FailureKind.Conflict, "llm.answer_not_kept"), (result.Failure!.Kind, result.Failure.Code));
        Assert.Single(gateway.Requests);
        AssertUnbilled(bench);
    }

    [Fact]
    public async Task One_that_cannot_be_kept_is_not_billed_either()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl);
        bench.Answered = (_, _) => throw new InvalidOperationException("broken");

        Assert.Equal("llm.answer_not_kept", (await bench.CallAsync()).Failure?.Code);
        AssertUnbilled(bench);
    }

    [Fact]
    public async Task Keeping_waits_for_the_store_to_come_back()
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl);
        var tries = 0;
        bench.Answered = (_, _) => ++tries < 3 ? throw new NpgsqlException("gone") : Task.FromResult(true);

        Assert.Null((await bench.CallAsync()).Failure);
        Assert.Equal(3, tries);
        Assert.Single(gateway.Requests);
        Assert.Equal("secret-model-7", Assert.Single(bench.Ledger.Of<EndCall>()).ResolvedModel);
    }

    [Fact]
    public async Task A_keeper_that_hangs_is_told_to_stop_at_the_deadline()
    {
        var time = new HandMovedTime();
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl, configure: options => options.CallTimeout = TimeSpan.FromSeconds(1), clock: time);
        bench.Answered = async (_, deadline) =>
        {
            time.Move(TimeSpan.FromSeconds(1));
            await Task.Delay(Timeout.InfiniteTimeSpan, deadline);
            return true;
        };

        var result = await bench.CallAsync().WaitAsync(TimeSpan.FromSeconds(60));

        // Perhaps it was kept all the same: recorded as failed, the call would be free.
        Assert.Equal("store.outcome_unknown", result.Failure?.Code);
        Assert.Empty(bench.Ledger.Of<EndCall>());
    }

    [Fact]
    public async Task A_keeper_whose_store_stays_away_leaves_the_call_open()
    {
        var time = new HandMovedTime();
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl, configure: options => options.CallTimeout = TimeSpan.FromSeconds(1), clock: time);
        var asked = new TaskCompletionSource();
        bench.Answered = (_, _) =>
        {
            asked.TrySetResult();
            throw new NpgsqlException("gone");
        };

        var call = bench.CallAsync();
        await asked.Task;
        await time.MoveUntilAsync(call, TimeSpan.FromMilliseconds(100));

        Assert.Equal("store.outcome_unknown", (await call).Failure?.Code);
        Assert.Empty(bench.Ledger.Of<EndCall>());
    }

    [Fact]
    public async Task A_call_that_fails_has_nothing_to_keep()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 500, "{}");
        using var bench = new CallerBench(gateway.BaseUrl);
        var asked = 0;
        bench.Answered = (_, _) => Task.FromResult(++asked > 0);

        Assert.Equal("llm.all_models_failed", (await bench.CallAsync()).Failure?.Code);
        Assert.Equal(0, asked);
    }

    private static void AssertUnbilled(CallerBench bench)
    {
        var end = Assert.Single(bench.Ledger.Of<EndCall>());
        Assert.Equal((null, "llm.answer_not_kept", null, default), (end.ResolvedModel, end.ErrorCode, end.ClientCostUsd, end.Usage));
        Assert.Equal(("succeeded", 0.0232m), (end.Ended!.Status, end.ProviderCostUsd));
    }

    private static OpenJob NewJob() => new(JobId.New(TimeProvider.System), "team_1", "test", null, null, "{}", TimeSpan.FromHours(1), 100);
}
