using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Teams;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Llm.Limits;

/// <summary>The call loop with limits, before a stub gateway, with the run's Redis.</summary>
public sealed class LimitedCallTests(LedgerStores stores) : IClassFixture<LedgerStores>, IAsyncLifetime
{
    private const string Short = """{"messages":[{"role":"user","content":"Say hello."}],"max_tokens":100}""";

    private StubGateway _gateway = null!;

    public async ValueTask InitializeAsync() => _gateway = await StubGateway.StartAsync();

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_running_call_takes_a_place_until_it_ends_on_every_replica(bool isStream)
    {
        using var limits = new LimitBench(stores.Redis);
        using var otherLimits = new LimitBench(stores.Redis);
        var (arrived, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        _gateway.Answer = async (http, _) =>
        {
            arrived.TrySetResult();
            await answer.Task;
            await StubGateway.Json(http, 500, StubGateway.Error("down"));
        };
        using var first = Bench(limits, new(ParallelCalls: 1));
        using var second = new CallerBench(_gateway.BaseUrl, limiter: otherLimits.Limiter) { Team = first.Team };
        Task running = isStream ? first.StreamAsync() : first.CallAsync();
        await arrived.Task;

        var refused = (await second.CallAsync()).Failure!;
        Assert.Equal(
            (FailureKind.LimitReached, "rate_limit.exceeded", "parallel_calls", "team", (bool?)true),
            (refused.Kind, refused.Code, (string)refused.Details!["limit"]!, (string)refused.Details["level"]!, refused.ShouldRetry));
        Assert.Equal("The team may run 1 calls at once, and so many are running.", refused.Message);
        Assert.Empty(second.Ledger.Commands);

        answer.SetResult();
        await running;
        // It failed, and its place is free all the same.
        _gateway.Answer = (http, _) => StubGateway.Json(http, 200, StubGateway.Completion());
        Assert.Null((await second.CallAsync()).Failure);
        Assert.Null((await first.CallAsync()).Failure);
    }

    [Fact]
    public async Task A_call_that_the_ledger_refuses_counts_for_nothing()
    {
        using var limits = new LimitBench(stores.Redis);
        using var bench = Bench(limits, new(RequestsPerMinute: 1, TokensPerMinute: 3000, ParallelCalls: 1));
        var isRefusing = true;
        bench.Ledger.Refuse = command => isRefusing && command is StartCall ? new Failure(FailureKind.Conflict, "job.ended", "It is over.") : null;

        for (var n = 0; n < 3; n++)
        {
            Assert.Equal("job.ended", (await bench.CallAsync(Short)).Failure!.Code);
        }

        isRefusing = false;
        Assert.Null((await bench.CallAsync(Short)).Failure);
        Assert.Equal("rate_limit.exceeded", (await bench.CallAsync(Short)).Failure!.Code);
    }

    [Fact]
    public async Task What_was_used_counts_not_what_was_reserved()
    {
        using var limits = new LimitBench(stores.Redis);
        using var bench = Bench(limits, new(TokensPerMinute: 100_000));

        await bench.CallAsync(Short);
        await bench.CallAsync(Short);

        // The body makes 18 tokens, however long its answer may be, at 3 bytes, and 100 of the answer. The first call then used 1500.
        Assert.Equal([100_000 - 118, 100_000 - 1500 - 118], bench.Measured.Select(status => status.Tokens!.Remaining));
        Assert.All(bench.Measured, status => Assert.Null(status.Requests));
        Assert.All(bench.Measured, status => Assert.InRange(status.Tokens!.ResetIn, TimeSpan.FromSeconds(59), TimeSpan.FromSeconds(61)));
    }

    [Fact]
    public async Task Of_a_failed_call_nothing_is_left_but_that_it_was_made()
    {
        using var limits = new LimitBench(stores.Redis);
        using var bench = Bench(limits, new(RequestsPerMinute: 10, TokensPerMinute: 200));
        _gateway.Answer = (http, _) => StubGateway.Json(http, 400, StubGateway.Error("bad"));

        await bench.CallAsync(Short);
        await bench.CallAsync(Short);

        Assert.Equal([9, 8], bench.Measured.Select(status => status.Requests!.Remaining));
        Assert.Equal([82, 82], bench.Measured.Select(status => status.Tokens!.Remaining));
    }

    // Nobody knows what an answer that never came has used.
    [Fact]
    public async Task Where_the_usage_is_unknown_what_was_reserved_counts()
    {
        using var limits = new LimitBench(stores.Redis);
        using var bench = Bench(limits, new(TokensPerMinute: 1000), "only-model");
        _gateway.Answer = (http, _) =>
        {
            http.Abort();
            return Task.CompletedTask;
        };

        await bench.CallAsync(Short);
        await bench.CallAsync(Short);

        Assert.Equal([1000 - 118, 1000 - 236], bench.Measured.Select(status => status.Tokens!.Remaining));
    }

    [Fact]
    public async Task A_call_that_never_fits_is_told_what_would()
    {
        using var limits = new LimitBench(stores.Redis);
        using var bench = Bench(limits, new(TokensPerMinute: 100));

        var refused = (await bench.CallAsync(Short)).Failure!;

        Assert.Equal(
            "This call may use 118 tokens, and the team may use 100 a minute: it never fits. With max_tokens of at most 82 it would pass.", refused.Message);
        Assert.Equal(((TimeSpan?)null, (bool?)false), (refused.RetryAfter, refused.ShouldRetry));
        Assert.Equal(
            ["limit=tokens_per_minute", "level=team", $"team_id={bench.Team!.TeamId}", "allowed=100", "used=0", "available=100", "until=", "needed=118", "max_tokens_admitted=82"],
            refused.Details!.Select(member => $"{member.Key}={member.Value}"));
        Assert.Equal("rate_limit.exceeded", (await bench.CallAsync(Short.Replace("100", "83", StringComparison.Ordinal))).Failure?.Code);
        Assert.Null((await bench.CallAsync(Short.Replace("100", "82", StringComparison.Ordinal))).Failure);
    }

    [Fact]
    public async Task A_call_that_does_not_fit_now_is_told_what_would_and_when_it_will()
    {
        using var limits = new LimitBench(stores.Redis);
        using var bench = Bench(limits, default, key: new(TokensPerMinute: 1600));
        Assert.Null((await bench.CallAsync(Short)).Failure);

        var refused = (await bench.CallAsync(Short)).Failure!;

        Assert.Equal(
            "This call may use 118 tokens; this key may use 1600 a minute and has used 1500. With max_tokens of at most 82 it would pass now.", refused.Message);
        Assert.Equal(("key", bench.Team!.KeyId.ToString(), 82L), (refused.Details!["level"], refused.Details["key_id"], refused.Details["max_tokens_admitted"]));
        Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(61));
        Assert.InRange((DateTimeOffset)refused.Details["until"]! - TimeProvider.System.GetUtcNow(), TimeSpan.FromSeconds(45), TimeSpan.FromSeconds(61));
        Assert.Equal("rate_limit.exceeded", (await bench.CallAsync(Short.Replace("100", "83", StringComparison.Ordinal))).Failure?.Code);
        Assert.Null((await bench.CallAsync(Short.Replace("100", "82", StringComparison.Ordinal))).Failure);
    }

    // Limits fail open, money never does: the ledger was asked.
    [Fact]
    public async Task Without_Redis_calls_go_through_and_are_counted()
    {
        using var limits = new LimitBench(LimitBench.Nowhere);
        using var bench = Bench(limits, new(1, 1, 1), key: new(1, 1, 1));

        for (var n = 0; n < 5; n++)
        {
            Assert.Null((await bench.CallAsync()).Failure);
        }

        Assert.Equal(5, limits.Unchecked);
        Assert.Equal(5, bench.Ledger.Of<StartCall>().Count());
        Assert.Empty(bench.Measured);
    }

    [Fact]
    public async Task Without_limits_Redis_is_not_asked()
    {
        using var limits = new LimitBench(LimitBench.Nowhere);
        using var bench = Bench(limits, default);

        Assert.Null((await bench.CallAsync()).Failure);

        Assert.Equal(0, limits.Unchecked);
    }

    private CallerBench Bench(LimitBench limits, RateLimits team, params string[] models) => Bench(limits, team, default, models);

    private CallerBench Bench(LimitBench limits, RateLimits team, RateLimits key, params string[] models)
        => new(_gateway.BaseUrl, models.Length == 0 ? null : models, limiter: limits.Limiter) { Team = LimitBench.Caller(team, key) };
}
