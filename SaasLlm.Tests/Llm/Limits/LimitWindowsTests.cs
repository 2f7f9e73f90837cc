using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Limits;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Llm.Limits;

/// <summary>The Lua scripts on a real Redis. Where time matters, the test is the clock.</summary>
public sealed class LimitWindowsTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    // At the start of a slot.
    private static readonly DateTimeOffset s_start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static TheoryData<int?, long?, int?> FiveOfEach => new() { { 5, null, null }, { null, 500, null }, { null, null, 5 }, { 5, 500, 5 } };

    [Theory]
    [MemberData(nameof(FiveOfEach))]
    public async Task Twenty_at_once_on_two_replicas_are_admitted_five_times(int? requests, long? tokens, int? parallel)
    {
        using var first = new LimitBench(stores.Redis);
        using var second = new LimitBench(stores.Redis);
        LimitBench[] replicas = [first, second];
        var level = LimitBench.Team(LimitBench.NewTeam(), requests, tokens, parallel);

        var replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(n => replicas[n % 2].AdmitAsync(null, [level], tokens: 100)));

        Assert.Equal(5, replies.Count(reply => reply.IsAdmitted));
    }

    [Fact]
    public async Task The_window_slides_by_slots_of_a_second()
    {
        using var bench = new LimitBench(stores.Redis);
        LimitLevel[] levels = [LimitBench.Team(LimitBench.NewTeam(), requests: 3)];
        foreach (var second in new[] { 0.9, 10, 20 })
        {
            Assert.True((await bench.AdmitAsync(At(second), levels)).IsAdmitted);
        }

        // The slot of second 0 counts while any of it is within 60 seconds: until 61.
        var refused = await bench.AdmitAsync(At(30), levels);
        Assert.False(refused.IsAdmitted);
        Assert.Equal((3, TimeSpan.FromSeconds(31)), (refused.Levels[0].Requests, refused.Levels[0].RequestsWait));
        Assert.Equal(TimeSpan.FromSeconds(81 - 30), refused.Levels[0].EmptyIn);
        Assert.False((await bench.AdmitAsync(At(60.999), levels)).IsAdmitted);
        Assert.True((await bench.AdmitAsync(At(61), levels)).IsAdmitted);
        Assert.Equal(TimeSpan.FromSeconds(10), (await bench.AdmitAsync(At(61), levels)).Levels[0].RequestsWait);
        Assert.True((await bench.AdmitAsync(At(71), levels)).IsAdmitted);
        Assert.Equal(1, (await bench.AdmitAsync(At(400), levels)).Levels[0].Requests);
    }

    // The error bound: never more than the limit within any 60 seconds, and what was used comes back within a slot of them.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Whatever_comes_when_no_window_holds_more_than_the_limit_and_nothing_is_refused_without_need(int seed)
    {
        const int limit = 7;
        using var bench = new LimitBench(stores.Redis);
        LimitLevel[] levels = [LimitBench.Team(LimitBench.NewTeam(), requests: limit, tokens: 1000)];
        var random = new Random(seed);
        var admitted = new List<(double At, long Tokens)>();
        var now = 0.0;
        for (var n = 0; n < 400; n++)
        {
            now += random.Next(10) == 0 ? random.Next(0, 90_000) / 1000.0 : random.Next(0, 9_000) / 1000.0;
            var tokens = random.Next(1, 400);
            var reply = await bench.AdmitAsync(At(now), levels, tokens);
            if (reply.IsAdmitted)
            {
                admitted.Add((now, tokens));
                var within = admitted.Where(call => call.At > now - 60).ToList();
                Assert.InRange(within.Count, 1, limit);
                Assert.InRange(within.Sum(call => call.Tokens), 1, 1000);
            }
            else
            {
                var counted = admitted.Where(call => call.At > now - 61).ToList();
                Assert.True(counted.Count == limit || counted.Sum(call => call.Tokens) + tokens > 1000, $"refused at {now} with seed {seed}");
                // The wait is the truth: not a millisecond before, and then.
                var wait = reply.Levels.Max(level => level.RequestsWait > level.TokensWait ? level.RequestsWait : level.TokensWait)!.Value.TotalSeconds;
                Assert.False((await bench.AdmitAsync(At(now + wait - 0.001), levels, tokens)).IsAdmitted);
                now += wait;
                Assert.True((await bench.AdmitAsync(At(now), levels, tokens)).IsAdmitted);
                admitted.Add((now, tokens));
            }
        }
    }

    [Fact]
    public async Task Tokens_are_reserved_and_then_counted_as_they_were_used()
    {
        using var bench = new LimitBench(stores.Redis);
        LimitLevel[] levels = [LimitBench.Team(LimitBench.NewTeam(), requests: 10, tokens: 1000)];
        var call = CallId.New(TimeProvider.System);
        var admitted = await bench.AdmitAsync(At(0), levels, 800, call);
        Assert.Equal((false, 800L), Of(await bench.AdmitAsync(At(1), levels, 300)));

        await bench.Windows.SettleAsync(levels[0].Id, levels, call, admitted.Slot, 0, 100 - 800);
        Assert.Equal((true, 400L), Of(await bench.AdmitAsync(At(2), levels, 300)));
        // What was used beyond the estimate counts too, past the limit.
        await bench.Windows.SettleAsync(levels[0].Id, levels, call, admitted.Slot, 0, 900);
        Assert.Equal((false, 1300L), Of(await bench.AdmitAsync(At(3), levels, 1)));
        Assert.Equal((true, 301L), Of(await bench.AdmitAsync(At(61), levels, 1)));
        // After a minute nothing of it is left to be corrected.
        await bench.Windows.SettleAsync(levels[0].Id, levels, call, admitted.Slot, -1, -300);
        var later = await bench.AdmitAsync(At(61), levels, 1);
        Assert.Equal((true, 302L), Of(later));
        Assert.Equal(3, later.Levels[0].Requests);

        static (bool, long) Of(AdmitReply reply) => (reply.IsAdmitted, reply.Levels[0].Tokens);
    }

    [Fact]
    public async Task A_refused_call_takes_nothing_at_any_level_and_keys_share_their_teams_limit()
    {
        using var bench = new LimitBench(stores.Redis);
        var team = LimitBench.Team(LimitBench.NewTeam(), requests: 5);
        LimitLevel[] busy = [team, LimitBench.Key("busy", requests: 2)];
        LimitLevel[] quiet = [team, LimitBench.Key("quiet", requests: 4)];
        for (var n = 0; n < 10; n++)
        {
            var reply = await bench.AdmitAsync(At(n), busy);
            Assert.Equal((n < 2, Math.Min(n + 1, 2)), (reply.IsAdmitted, (int)reply.Levels[0].Requests));
        }

        var answers = new List<bool>();
        for (var n = 0; n < 4; n++)
        {
            answers.Add((await bench.AdmitAsync(At(10), quiet)).IsAdmitted);
        }

        Assert.Equal([true, true, true, false], answers);
        var last = await bench.AdmitAsync(At(10), quiet);
        Assert.Equal((TimeSpan.FromSeconds(51), TimeSpan.Zero), (last.Levels[0].RequestsWait, last.Levels[1].RequestsWait));
        Assert.Equal((5, 3), (last.Levels[0].Requests, last.Levels[1].Requests));
    }

    [Fact]
    public async Task A_place_is_free_when_its_call_ends_or_its_lease_does()
    {
        using var bench = new LimitBench(stores.Redis);
        LimitLevel[] levels = [LimitBench.Team(LimitBench.NewTeam(), parallel: 1)];
        var (crashed, second) = (CallId.New(TimeProvider.System), CallId.New(TimeProvider.System));
        Assert.True((await bench.AdmitAsync(At(0), levels, 0, crashed, TimeSpan.FromSeconds(10))).IsAdmitted);

        var refused = await bench.AdmitAsync(At(9.999), levels);
        Assert.Equal((false, 1, TimeSpan.FromMilliseconds(1)), (refused.IsAdmitted, refused.Levels[0].Running, refused.Levels[0].ParallelWait));
        Assert.True((await bench.AdmitAsync(At(10), levels, 0, second, TimeSpan.FromHours(1))).IsAdmitted);

        // It was only slow: what it frees is its own place, not another's.
        await bench.Windows.SettleAsync(levels[0].Id, levels, crashed, null, 0, 0);
        Assert.False((await bench.AdmitAsync(At(11), levels)).IsAdmitted);
        await bench.Windows.SettleAsync(levels[0].Id, levels, second, null, 0, 0);
        Assert.True((await bench.AdmitAsync(At(11), levels)).IsAdmitted);
    }

    [Fact]
    public async Task What_never_fits_is_said_and_not_counted()
    {
        using var bench = new LimitBench(stores.Redis);
        LimitLevel[] levels = [LimitBench.Team(LimitBench.NewTeam(), tokens: 1000)];

        var never = await bench.AdmitAsync(At(0), levels, 1001);
        Assert.Equal((false, 0L, null), (never.IsAdmitted, never.Levels[0].Tokens, never.Levels[0].TokensWait));
        Assert.True((await bench.AdmitAsync(At(0), levels, 1000)).IsAdmitted);
    }

    // A failover to a server whose clock is behind must not leave anything counted for ever.
    [Fact]
    public async Task A_clock_that_is_set_back_leaves_nothing_counted()
    {
        using var bench = new LimitBench(stores.Redis);
        LimitLevel[] levels = [LimitBench.Team(LimitBench.NewTeam(), requests: 5)];
        foreach (var second in new[] { 200.0, 205, 60 })
        {
            Assert.True((await bench.AdmitAsync(At(second), levels)).IsAdmitted);
        }

        Assert.Equal(4, (await bench.AdmitAsync(At(60), levels)).Levels[0].Requests);
        Assert.Equal(5, (await bench.AdmitAsync(At(203), levels)).Levels[0].Requests);
        Assert.Equal(3, (await bench.AdmitAsync(At(261), levels)).Levels[0].Requests);
        Assert.Equal(1, (await bench.AdmitAsync(At(400), levels)).Levels[0].Requests);
    }

    [Fact]
    public async Task Every_key_dies_by_itself()
    {
        using var bench = new LimitBench(stores.Redis);
        var team = LimitBench.NewTeam();
        await bench.AdmitAsync(null, [LimitBench.Team(team, 5, 500, 5), LimitBench.Key("k", 5, 500, 5)], 10, lease: TimeSpan.FromSeconds(30), team: team);

        foreach (var key in new[] { ":limits", ":limits:calls", ":limits:k", ":limits:k:calls" })
        {
            var life = await bench.Redis.KeyTimeToLiveAsync($"{{team:{team}}}{key}");
            Assert.InRange(life!.Value.TotalSeconds, 25, 62);
        }
    }

    private static DateTimeOffset At(double seconds) => s_start.AddMilliseconds(Math.Round(seconds * 1000));
}
