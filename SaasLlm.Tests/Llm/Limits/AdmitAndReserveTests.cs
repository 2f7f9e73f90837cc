using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Llm.Limits;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Llm.Limits;

/// <summary>A call and the job that opens with it, asked of Redis in one step.</summary>
public sealed class AdmitAndReserveTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task A_call_that_is_admitted_has_its_price_set_aside_and_one_that_is_not_takes_nothing()
    {
        using var bench = new LimitBench(stores.Redis);
        var team = LimitBench.NewTeam();
        await SeedAsync(bench, team, available: 2);
        LimitLevel[] levels = [LimitBench.Team(team, requests: 1, parallel: 5), LimitBench.Key("k", requests: 10)];

        var admitted = await AskAsync(bench, levels, out var job);
        var refused = await AskAsync(bench, levels, out _);

        Assert.Equal((true, ReserveStatus.Held), (admitted.IsAdmitted, admitted.Reserved!.Status));
        Assert.Equal((false, null), (refused.IsAdmitted, refused.Reserved));
        // Of the two credits one is left, and whoever asks next says that the other is the first call's.
        Assert.Equal(ReserveStatus.Held, (await bench.Balances.ReserveAsync(team, Job(), null, TimeSpan.FromHours(1))).Status);
        var none = await bench.Balances.ReserveAsync(team, Job(), null, TimeSpan.FromHours(1));
        Assert.Equal((ReserveStatus.Refused, 2), (none.Status, none.Holds.Count));
        Assert.Contains(job, none.Holds.Select(hold => hold.JobId));
    }

    [Fact]
    public async Task A_call_that_cannot_be_paid_has_taken_a_place_and_gives_it_back()
    {
        using var bench = new LimitBench(stores.Redis);
        var team = LimitBench.NewTeam();
        await SeedAsync(bench, team, available: 0.5m);
        LimitLevel[] levels = [LimitBench.Team(team, requests: 1, tokens: 100, parallel: 1)];
        var call = CallId.New(TimeProvider.System);

        var poor = await AskAsync(bench, levels, out _, call: call);
        Assert.Equal((true, ReserveStatus.Refused, true), (poor.IsAdmitted, poor.Reserved!.Status, poor.Reserved.IsCertain));
        Assert.Equal((1m, 0.5m), (poor.Reserved.Balance.Needed, poor.Reserved.Balance.Available));
        await bench.Windows.SettleAsync(team, levels, call, poor.Slot, -1, -60);

        Assert.True((await bench.AdmitAsync(null, levels, 100)).IsAdmitted);
    }

    [Fact]
    public async Task Without_a_balance_the_call_is_admitted_and_its_price_is_for_Postgres_to_say()
    {
        using var bench = new LimitBench(stores.Redis);

        var reply = await AskAsync(bench, [LimitBench.Team(LimitBench.NewTeam(), requests: 1)], out _);

        Assert.Equal((true, ReserveStatus.Cold), (reply.IsAdmitted, reply.Reserved!.Status));
    }

    // What it says of limits is what admit.lua says, and of the price what reserve.lua does.
    [Fact]
    public async Task It_says_what_the_two_scripts_say()
    {
        using var bench = new LimitBench(stores.Redis);
        var (team, other) = (LimitBench.NewTeam(), LimitBench.NewTeam());
        await SeedAsync(bench, team, available: 7);
        await SeedAsync(bench, other, available: 7);
        for (var n = 0; n < 5; n++)
        {
            // Three fit.
            LimitLevel[] levels = [LimitBench.Team(team, requests: 4, tokens: 180), LimitBench.Key("k", parallel: 8)];
            LimitLevel[] others = [LimitBench.Team(other, requests: 4, tokens: 180), LimitBench.Key("k", parallel: 8)];

            // A price of its own, which in this team counts.
            var both = await AskAsync(bench, levels, out _, price: 3);
            var admitted = await bench.AdmitAsync(null, others, 60);

            Assert.Equal(n < 3, both.IsAdmitted);
            Assert.Equal(
                admitted.Levels.Select(level => (level.Requests, level.Tokens, level.Running)), both.Levels.Select(level => (level.Requests, level.Tokens, level.Running)));
            Assert.Equal(admitted.IsAdmitted, both.IsAdmitted);
            var reserved = admitted.IsAdmitted ? (await bench.Balances.ReserveAsync(other, Job(), 3, TimeSpan.FromHours(1))).Status : (ReserveStatus?)null;
            Assert.Equal(reserved, both.Reserved?.Status);
            Assert.Equal(n switch { < 2 => ReserveStatus.Held, 2 => ReserveStatus.Refused, _ => null }, reserved);
        }
    }

    private static async Task SeedAsync(LimitBench bench, string team, decimal available)
        => Assert.True(await bench.Balances.SeedAsync(new(team, 1, 1, available, 0, 0, OpeningHold: 1, IsJobBased: true, [], [])));

    private static Task<AdmitReply> AskAsync(LimitBench bench, LimitLevel[] levels, out JobId job, decimal? price = null, CallId? call = null)
    {
        job = Job();
        var opens = new OpenJob(job, levels[0].Id, "test", null, null, "{}", TimeSpan.FromHours(1), 100, price);
        return Answered(bench.Windows.AdmitAsync(levels[0].Id, levels, call ?? CallId.New(TimeProvider.System), 60, TimeSpan.FromMinutes(5), opens));

        static async Task<AdmitReply> Answered(Task<AdmitReply?> reply) => await reply ?? throw new InvalidOperationException("Redis did not answer.");
    }

    private static JobId Job() => JobId.New(TimeProvider.System);
}
