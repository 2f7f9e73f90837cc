using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Reconciliation;
using SaasLlm.Core.Credits.Redis;
using StackExchange.Redis;

namespace SaasLlm.Tests.Credits.Reconciliation;

/// <summary>What differs in Redis is named and put right, and what is only under way is left alone.</summary>
public sealed class RedisReconciliationTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task A_balance_that_agrees_is_left_alone()
    {
        await using var api = Ledger();
        await using var runner = new ReconciliationBench(api);
        var team = await WarmTeamAsync(api);
        await api.OpenedAsync(team);
        // A reservation on its way to Postgres.
        await ReserveAsync(api, team);
        await SettledAsync(api, team, pending: 1);

        await CheckedAsync(runner, team);

        Assert.Equal(1_000_000L, await FieldAsync(api, team, "pending"));
    }

    [Fact]
    public async Task A_cold_team_has_nothing_to_be_wrong()
    {
        await using var api = Ledger();
        await using var runner = new ReconciliationBench(api);

        await CheckedAsync(runner, await api.CreateTeamAsync(5));
    }

    [Theory]
    [InlineData("available", "3000000", "redis_balance available: 9 but 3")]
    [InlineData("price", "2000000", "redis_balance price: 1 but 2")]
    [InlineData("pending", "7000000", "redis_pending: 0 but 7")]
    [InlineData("version", "1000", "redis_ahead: 2 but 1000")]
    [InlineData("version", "1", "redis_behind: 2 but 1")]
    [InlineData("missing", "1", "redis_behind: 2 but 1")]
    public async Task What_was_spoilt_is_named_and_seeded_anew(string field, string value, string difference)
    {
        await using var api = Ledger();
        await using var runner = new ReconciliationBench(api);
        var team = await WarmTeamAsync(api);
        await api.RedisDatabase.HashSetAsync(Key(team, "balance"), field, value);

        var (_, redis) = await runner.CheckAsync(team);

        Assert.Equal([difference], redis.Found.Select(Describe));
        Assert.Equal((1, 0), (redis.Seeded, redis.HoldsRemoved));
        Assert.Equal(1, runner.Metrics["repaired " + difference.Split(' ', ':')[0]]);
        await AgreesAsync(api, team, available: 9);
        await CheckedAsync(runner, team);
    }

    // The push of a commit is on its way as a rule: only an account at rest has lost one.
    [Fact]
    public async Task A_balance_that_lags_behind_a_busy_account_is_left_alone()
    {
        await using var api = Ledger();
        await using var runner = new ReconciliationBench(api, options => options.PushPatience = TimeSpan.FromMinutes(5));
        var team = await WarmTeamAsync(api);
        await api.RedisDatabase.HashSetAsync(Key(team, "balance"), "version", "1");

        await CheckedAsync(runner, team);
    }

    [Fact]
    public async Task A_reservation_that_no_job_came_of_goes_after_its_lease_and_not_before()
    {
        await using var api = Ledger();
        await using var runner = new ReconciliationBench(api);
        var team = await WarmTeamAsync(api);
        var young = await ReserveAsync(api, team);
        await SettledAsync(api, team, pending: 1);
        await CheckedAsync(runner, team);
        Assert.True(await api.Redis.ReleaseAsync(team, young));
        api.Options.ReservationLease = TimeSpan.FromMilliseconds(50);
        await ReserveAsync(api, team);
        await Task.Delay(100);

        var (_, redis) = await runner.CheckAsync(team);

        Assert.Equal(["redis_holds: 0 but 1"], redis.Found.Select(Describe));
        Assert.Equal((0, 1), (redis.Seeded, redis.HoldsRemoved));
        Assert.Equal(1, runner.Metrics["repaired redis_holds"]);
        await AgreesAsync(api, team, available: 9);
        await CheckedAsync(runner, team);
    }

    // Its job is in Postgres and the push that said so was lost: the seed contains it, and it is no longer subtracted twice.
    [Fact]
    public async Task A_reservation_whose_job_is_open_becomes_a_hold_of_the_balance()
    {
        await using var api = Ledger(TimeSpan.FromMilliseconds(300));
        await using var silent = new LedgerHarness(stores.Postgres, null);
        await using var runner = new ReconciliationBench(api);
        var team = await WarmTeamAsync(api);
        var job = await ReserveAsync(api, team);
        Assert.Null((await silent.OpenAsync(team, job)).Failure);
        await Task.Delay(350);

        var (_, redis) = await runner.CheckAsync(team);

        Assert.Equal(["redis_behind: 3 but 2"], redis.Found.Select(Describe));
        Assert.Equal((1, 0), (redis.Seeded, redis.HoldsRemoved));
        await AgreesAsync(api, team, available: 8);
        Assert.Equal(job.ToString(), (await api.RedisDatabase.SortedSetRangeByRankAsync(Key(team, "holds"))).Select(hold => (string)hold!).Last());
        await CheckedAsync(runner, team);
    }

    [Fact]
    public async Task A_hold_in_the_balance_that_Postgres_does_not_have_goes()
    {
        await using var api = Ledger();
        await using var runner = new ReconciliationBench(api);
        var team = await WarmTeamAsync(api);
        var stranger = Guid.NewGuid().ToString();
        await api.RedisDatabase.SortedSetAddAsync(Key(team, "holds"), stranger, 1e13);
        await api.RedisDatabase.HashSetAsync(Key(team, "amounts"), stranger, "1000000");

        var (_, redis) = await runner.CheckAsync(team);

        Assert.Equal(["redis_holds: 0 but 1"], redis.Found.Select(Describe));
        Assert.Equal((1, 1), (redis.Seeded, redis.HoldsRemoved));
        Assert.Null(await api.RedisDatabase.SortedSetScoreAsync(Key(team, "holds"), stranger));
        await CheckedAsync(runner, team);
    }

    // Checks under load: what is on its way is never taken for wrong, and no repair disturbs what runs.
    [Fact]
    public async Task A_busy_ledger_and_its_sweep_do_not_disturb_each_other()
    {
        await using var api = Ledger();
        await using var other = Ledger();
        await using var runner = new ReconciliationBench(api, options => options.PushPatience = TimeSpan.FromSeconds(30));
        var team = await WarmTeamAsync(api, credits: 10_000);
        var busy = Task.WhenAll(Enumerable.Range(0, 8).Select(async caller =>
        {
            var ledger = caller % 2 == 0 ? api : other;
            for (var round = 0; round < 40; round++)
            {
                Assert.Null((await ledger.CloseAsync(team, await ledger.OpenedAsync(team))).Failure);
            }
        }));
        do
        {
            var (books, redis) = await runner.CheckAsync(team);
            Assert.Empty(books);
            Assert.Empty(redis.Found);
        }
        while (!busy.IsCompleted);

        await busy;
        await SettledAsync(api, team, pending: 0);
        await AgreesAsync(api, team, available: 10_000 - 320 - 1);
    }

    private static RedisKey Key(string team, string what) => $"{{team:{team}}}:{what}";

    private static string Describe(Difference difference)
        => FormattableString.Invariant(
            $"{difference.Kind}{(difference.Subject.Length > 0 ? " " + difference.Subject : "")}: {Money.Trim(difference.Expected)} but {Money.Trim(difference.Found)}");

    private static async Task CheckedAsync(ReconciliationBench runner, string team)
    {
        var (books, redis) = await runner.CheckAsync(team);
        Assert.Empty(books);
        Assert.Equal([], redis.Found.Select(Describe));
        Assert.Equal((0, 0, 0), (redis.Seeded, redis.HoldsRemoved, redis.Skipped));
    }

    // A balance in Redis, at the account's version: topped up, one job open.
    private static async Task<string> WarmTeamAsync(LedgerHarness api, decimal credits = 10)
    {
        var team = await api.CreateTeamAsync(credits);
        await api.OpenedAsync(team);
        await SettledAsync(api, team, pending: 0);
        return team;
    }

    private static async Task<JobId> ReserveAsync(LedgerHarness api, string team)
    {
        var job = JobId.New(TimeProvider.System);
        Assert.Equal(ReserveStatus.Held, (await api.Redis.ReserveAsync(team, job, null, TimeSpan.FromHours(1))).Status);
        return job;
    }

    // Opening answers before its push arrives.
    private static async Task SettledAsync(LedgerHarness api, string team, decimal pending)
    {
        var version = await api.ScalarAsync<long>($"SELECT version FROM team_credits WHERE team_id = '{team}'");
        await Infrastructure.Eventually.IsSoAsync(
            async () => await FieldAsync(api, team, "version") == version && await FieldAsync(api, team, "pending") == (long)(pending * 1_000_000),
            () => "Redis did not hear of the last commit");
    }

    private static async Task AgreesAsync(LedgerHarness api, string team, decimal available)
    {
        var (allocated, used, held) = await api.AccountAsync(team);
        Assert.Equal(available, allocated - used - held);
        Assert.Equal((long)(available * 1_000_000), await FieldAsync(api, team, "available"));
        Assert.Equal(0L, await FieldAsync(api, team, "pending"));
        Assert.Equal(0, await api.RedisDatabase.SortedSetLengthAsync(Key(team, "pending")));
        Assert.Equal(held, await api.RedisDatabase.SortedSetLengthAsync(Key(team, "holds")));
    }

    private static async Task<long> FieldAsync(LedgerHarness api, string team, string field)
        => (long)await api.RedisDatabase.HashGetAsync(Key(team, "balance"), field);

    private LedgerHarness Ledger(TimeSpan? lease = null)
        => new(stores.Postgres, stores.Redis, options => options.ReservationLease = lease ?? options.ReservationLease);
}
