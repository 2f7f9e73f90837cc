using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Jobs;
using SaasLlm.Tests.Credits.Reconciliation;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Credits;

/// <summary>
/// Redis emptied, killed, slow, and gone for a while, under load from two replicas: nobody overdraws, nobody who can pay is refused
/// for longer than a reservation's lease, and all is as it was soon after, without help.
/// </summary>
public sealed class RedisFailureTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private const int PoorCredits = 5;

    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(200);

    private int _jobs;

    [Theory]
    [InlineData("emptied")]
    [InlineData("killed")]
    [InlineData("slow")]
    [InlineData("gone")]
    public async Task Whatever_becomes_of_Redis_nobody_overdraws_and_nobody_who_can_pay_is_refused(string fault)
    {
        await using var redis = await PrivateRedis.StartAsync();
        await using var one = Ledger(redis);
        await using var two = Ledger(redis);
        var (rich, poor) = (await one.CreateTeamAsync(100_000), await one.CreateTeamAsync(PoorCredits));
        using var over = new CancellationTokenSource();

        var load = Task.WhenAll(Enumerable.Range(0, 10).Select(caller => LoadAsync([one, two], rich, poor, new(caller), over.Token)));
        await JobsAsync(50);
        await BreakAsync(redis, fault);
        await JobsAsync(20);
        await over.CancelAsync();
        await load;

        Assert.Empty(await one.MismatchesAsync());
        Assert.Equal((PoorCredits, 0m, 0m), await one.AccountAsync(poor));
        await IsBackAsync(one, rich);
        await AdmitsExactlyAsync([one, two], poor, PoorCredits);
        await AgreesAsync(redis, [one, two], rich, poor);
        Assert.Empty(await one.MismatchesAsync());
    }

    // Replica one cannot tell Redis; replica two refuses by what Redis says, for a second and no longer.
    [Fact]
    public async Task Credits_that_came_while_their_replica_had_no_Redis_are_there_a_second_later()
    {
        await using var redis = await PrivateRedis.StartAsync();
        await using var one = Ledger(redis);
        await using var two = new LedgerHarness(stores.Postgres, redis.Direct, options => options.RefusalAgeMax = TimeSpan.FromSeconds(1));
        var team = await two.CreateTeamAsync(0);
        Assert.Equal("credits.insufficient", (await two.OpenAsync(team)).Failure?.Code);

        redis.Wire.Cut();
        await one.AddAsync(team, 2);
        await Task.Delay(two.Options.RefusalAgeMax + TimeSpan.FromMilliseconds(100));

        Assert.Null((await two.OpenAsync(team)).Failure);
        // That confirmation has told Redis.
        Assert.Null((await two.OpenAsync(team)).Failure);
        Assert.Equal("credits.insufficient", (await two.OpenAsync(team)).Failure?.Code);
    }

    // The same, while the balance is kept young by what else goes on: the reservation's lease is the limit.
    [Fact]
    public async Task A_reservation_whose_process_died_is_free_again_after_its_lease()
    {
        await using var redis = await PrivateRedis.StartAsync();
        await using var api = new LedgerHarness(stores.Postgres, redis.Connection, options => options.ReservationLease = s_lease);
        var team = await api.CreateTeamAsync(2);
        await api.CloseAsync(team, await api.OpenedAsync(team), JobStatus.Cancelled);
        Assert.Equal(ReserveStatus.Held, (await api.Redis.ReserveAsync(team, JobId.New(TimeProvider.System), null, TimeSpan.FromHours(1))).Status);

        await AdmitsExactlyAsync([api], team, 2);
        await AgreesAsync(redis, [api], team);
    }

    // The process itself knows that it did not get through, and asks Postgres until the lease is over.
    [Fact]
    public async Task A_reservation_that_could_not_be_given_back_refuses_nobody_of_this_process()
    {
        await using var redis = await PrivateRedis.StartAsync();
        await using var api = new LedgerHarness(stores.Postgres, redis.Connection, options =>
            (options.RedisTimeout, options.RefusalAgeMax) = (TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)));
        var team = await api.CreateTeamAsync(2);
        await api.CloseAsync(team, await api.OpenedAsync(team), JobStatus.Cancelled);
        var refused = JobId.New(TimeProvider.System);
        Assert.Equal(ReserveStatus.Held, (await api.Redis.ReserveAsync(team, refused, null, TimeSpan.FromHours(1))).Status);
        redis.Wire.Cut();
        await api.Reservations.ReleaseAsync(team, refused);
        redis.Wire.Mend();
        await IsBackAsync(api, team);
        // The push that this needs may itself be missed until the connection is back, and is doubted for as long.
        await Task.Delay(api.Options.RefusalAgeMax + TimeSpan.FromSeconds(1.2));

        await api.OpenedAsync(team);
        await api.OpenedAsync(team);
        Assert.Equal("credits.insufficient", (await api.OpenAsync(team)).Failure?.Code);
    }

    [Fact]
    public async Task Without_any_Redis_from_the_start_it_is_right_and_Redis_is_taken_up_when_it_comes()
    {
        await using var redis = await PrivateRedis.StartAsync();
        redis.Wire.Cut();
        await using var api = new LedgerHarness(
            stores.Postgres, redis.Connection, options => (options.RedisTimeout, options.RedisRest) = (TimeSpan.FromSeconds(5), s_rest), isRedisUp: false);
        var team = await api.CreateTeamAsync(3);
        var job = await api.OpenedAsync(team);
        Assert.Null((await api.CloseAsync(team, job)).Failure);

        redis.Wire.Mend();
        await IsBackAsync(api, team);
        await AdmitsExactlyAsync([api], team, 2);
        await AgreesAsync(redis, [api], team);
        Assert.NotNull((await new RedisSweeper(api.Redis).InspectAsync(team)).View);
    }

    private static async Task BreakAsync(PrivateRedis redis, string fault)
    {
        switch (fault)
        {
            case "emptied":
                for (var round = 0; round < 30; round++)
                {
                    await redis.FlushAsync();
                    await Task.Delay(40);
                }

                break;
            case "killed":
                for (var round = 0; round < 2; round++)
                {
                    await redis.RestartAsync();
                    await Task.Delay(500);
                }

                break;
            case "slow":
                redis.Wire.Delay = TimeSpan.FromMilliseconds(400);
                await Task.Delay(1500);
                redis.Wire.Delay = TimeSpan.Zero;
                await Task.Delay(300);
                break;
            case "gone":
                redis.Wire.Cut();
                await Task.Delay(1000);
                redis.Wire.Mend();
                await Task.Delay(500);
                break;
        }
    }

    // Until the load has gone through so many jobs more.
    private Task JobsAsync(int more)
    {
        var enough = Volatile.Read(ref _jobs) + more;
        return Eventually.IsSoAsync(() => Volatile.Read(ref _jobs) >= enough, () => $"No {more} jobs were done");
    }

    // The rich team is never refused; what the poor one opens, it cancels.
    private async Task LoadAsync(LedgerHarness[] replicas, string rich, string poor, Random random, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            var (api, isPoor) = (replicas[random.Next(replicas.Length)], random.Next(3) == 0);
            var team = isPoor ? poor : rich;
            var opened = await api.OpenAsync(team);
            if (opened.TryGet(out var job, out var refusal))
            {
                Interlocked.Increment(ref _jobs);
                var end = isPoor || random.Next(4) == 0 ? JobStatus.Cancelled : JobStatus.Completed;
                Assert.Null((await replicas[random.Next(replicas.Length)].CloseAsync(team, job.JobId, end)).Failure);
            }
            else
            {
                Assert.Equal((poor, "credits.insufficient"), (team, refusal.Code));
            }
        }
    }

    // A client finds its way back by itself.
    private static async Task IsBackAsync(LedgerHarness api, string team)
        => await Eventually.IsSoAsync(async () => (await new RedisSweeper(api.Redis).InspectAsync(team)).IsAnswered, () => "Redis did not come back");

    // All that is there is had, at the latest when leases are over, and nothing more.
    private static async Task AdmitsExactlyAsync(LedgerHarness[] replicas, string team, int credits)
    {
        var opened = 0;
        await Eventually.IsSoAsync(
            async () => (await replicas[opened % replicas.Length].OpenAsync(team)).Failure is null && ++opened == credits, () => $"Only {opened} were opened");
        foreach (var api in replicas)
        {
            Assert.Equal("credits.insufficient", (await api.OpenAsync(team)).Failure?.Code);
        }
    }

    // Without help nothing is set aside for long that no job came of; the sweep then finds the balances right, or puts them right. It looks
    // past the wire, and waits for its answers.
    private async Task AgreesAsync(PrivateRedis redis, LedgerHarness[] replicas, params string[] teams)
    {
        // What they were still about to say is said: it comes in order.
        await Task.WhenAll(replicas.Select(api => IsBackAsync(api, teams[0])));
        await using var calm = new LedgerHarness(stores.Postgres, redis.Direct);
        var sweeper = new RedisSweeper(calm.Redis);
        await using var runner = new ReconciliationBench(calm);
        foreach (var team in teams)
        {
            await Eventually.IsSoAsync(
                async () => (await sweeper.InspectAsync(team)).View is not { } view || view.Reserved == view.Overdue.Count, () => $"Something of {team} is set aside still");
        }

        var (books, found) = await runner.CheckAsync(teams);
        Assert.Empty(books);
        Assert.Equal(0, found.Skipped);
        foreach (var team in teams)
        {
            if ((await sweeper.InspectAsync(team)).View is { } view)
            {
                var (allocated, used, held) = await calm.AccountAsync(team);
                Assert.Equal((allocated - used - held, 0m, 0m, 0L), (view.Available, view.Pending, view.Reserved, view.Missing));
            }
        }
    }

    // Redis is given up quickly, as in the product.
    private LedgerHarness Ledger(PrivateRedis redis) => new(stores.Postgres, redis.Connection, options =>
        (options.RedisTimeout, options.RedisRest, options.ReservationLease, options.RefusalAgeMax) =
            (TimeSpan.FromMilliseconds(250), s_rest, s_lease, TimeSpan.FromSeconds(1)));
}
