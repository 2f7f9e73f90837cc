using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Credits.Rules;

namespace SaasLlm.Tests.Credits;

/// <summary>The Lua scripts on a real Redis: what is available is the newest balance less the holds it does not contain.</summary>
public sealed class RedisBalancesTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private static readonly DateTimeOffset s_later = TimeProvider.System.GetUtcNow().AddHours(1);

    [Fact]
    public async Task Without_a_balance_it_is_cold_and_a_push_does_not_warm_it()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = Team();

        Assert.Equal(ReserveStatus.Cold, (await Reserve(api, team)).Status);
        await api.Redis.PushAsync(Balance(team, 0, 1, available: 5));

        Assert.Equal(ReserveStatus.Cold, (await Reserve(api, team)).Status);
    }

    [Fact]
    public async Task It_admits_what_the_balance_covers_and_names_the_holders()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = Team();
        await api.Redis.SeedAsync(Balance(team, 7, 7, available: 2));
        var job = Job();

        Assert.Equal(ReserveStatus.Held, (await api.Redis.ReserveAsync(team, job, null, TimeSpan.FromMinutes(1))).Status);
        Assert.Equal(ReserveStatus.Held, (await Reserve(api, team)).Status);
        var refused = await Reserve(api, team);

        Assert.Equal(ReserveStatus.Refused, refused.Status);
        Assert.True(refused.IsCertain);
        Assert.Equal(new BalanceView(2, 0, 2, 1), refused.Balance);
        Assert.Equal(2, refused.Holds.Count);
        Assert.Equal((job, 1m), (refused.Holds[0].JobId, refused.Holds[0].Credits));
    }

    [Fact]
    public async Task Reserving_twice_for_a_job_sets_its_price_aside_once_and_releasing_gives_it_back_once()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = Team();
        await api.Redis.SeedAsync(Balance(team, 1, 1, available: 2));
        var job = Job();
        await api.Redis.ReserveAsync(team, job, null, TimeSpan.FromMinutes(1));
        await api.Redis.ReserveAsync(team, job, null, TimeSpan.FromMinutes(1));
        await api.Redis.ReleaseAsync(team, job);
        await api.Redis.ReleaseAsync(team, job);

        Assert.Equal(ReserveStatus.Held, (await Reserve(api, team)).Status);
        Assert.Equal(ReserveStatus.Held, (await Reserve(api, team)).Status);
        Assert.Equal(ReserveStatus.Refused, (await Reserve(api, team)).Status);
    }

    [Fact]
    public async Task An_older_push_does_not_overwrite_a_newer_balance_but_clears_the_holds_it_contains()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = Team();
        await api.Redis.SeedAsync(Balance(team, 1, 1, available: 4));
        var (first, second) = (Job(), Job());
        await api.Redis.ReserveAsync(team, first, null, TimeSpan.FromMinutes(1));
        await api.Redis.ReserveAsync(team, second, null, TimeSpan.FromMinutes(1));

        // Version 3 contains both holds and says so of the second only; the push of version 2 is late.
        await api.Redis.PushAsync(Balance(team, 2, 3, available: 2, second));
        Assert.Equal(ReserveStatus.Held, (await Reserve(api, team)).Status);
        var unsure = await Reserve(api, team);
        Assert.Equal((ReserveStatus.Refused, false), (unsure.Status, unsure.IsCertain));

        await api.Redis.PushAsync(Balance(team, 1, 2, available: 3, first));
        Assert.Equal(ReserveStatus.Held, (await Reserve(api, team)).Status);
        var sure = await Reserve(api, team);
        Assert.Equal((ReserveStatus.Refused, true), (sure.Status, sure.IsCertain));
    }

    [Fact]
    public async Task A_seed_clears_what_it_contains_and_keeps_what_is_set_aside_here_only()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = Team();
        await api.Redis.SeedAsync(Balance(team, 1, 1, available: 3));
        var (committed, waiting) = (Job(), Job());
        await api.Redis.ReserveAsync(team, committed, null, TimeSpan.FromMinutes(1));
        await api.Redis.ReserveAsync(team, waiting, null, TimeSpan.FromMinutes(1));

        await api.Redis.SeedAsync(Balance(team, 2, 2, available: 2, committed));

        Assert.Equal(ReserveStatus.Held, (await Reserve(api, team)).Status);
        Assert.Equal(ReserveStatus.Refused, (await Reserve(api, team)).Status);
    }

    [Fact]
    public async Task A_seed_that_a_push_overtook_is_not_taken()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = Team();
        await api.Redis.SeedAsync(Balance(team, 5, 5, available: 1));

        await api.Redis.SeedAsync(Balance(team, 4, 4, available: 100));

        Assert.Equal(ReserveStatus.Held, (await Reserve(api, team)).Status);
        Assert.Equal(ReserveStatus.Refused, (await Reserve(api, team)).Status);
    }

    [Fact]
    public async Task A_reservation_without_a_job_dies_with_its_lease()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var (team, lease) = (Team(), api.Options.ReservationLease);
        await api.Redis.SeedAsync(Balance(team, 1, 1, available: 2));
        Assert.Equal(ReserveStatus.Held, (await Reserve(api, team)).Status);
        api.Options.ReservationLease = TimeSpan.FromMilliseconds(50);
        Assert.Equal(ReserveStatus.Held, (await Reserve(api, team)).Status);
        api.Options.ReservationLease = lease;

        await Task.Delay(100);

        // The short one is over, the long one is not.
        Assert.Equal(ReserveStatus.Held, (await Reserve(api, team)).Status);
        Assert.Equal(ReserveStatus.Refused, (await Reserve(api, team)).Status);
    }

    [Fact]
    public async Task An_old_refusal_is_not_certain()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = Team();
        await api.Redis.SeedAsync(Balance(team, 1, 1, available: 0));
        Assert.True((await Reserve(api, team)).IsCertain);

        await Task.Delay(150);

        Assert.True((await Reserve(api, team)).IsCertain);
        api.Options.RefusalAgeMax = TimeSpan.FromMilliseconds(100);
        Assert.False((await Reserve(api, team)).IsCertain);
    }

    [Fact]
    public async Task A_balance_lives_its_time_only()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var (team, other) = (Team(), Team());
        await api.Redis.SeedAsync(Balance(other, 1, 1, available: 2));
        api.Options.BalanceLife = TimeSpan.FromMilliseconds(100);
        await api.Redis.SeedAsync(Balance(team, 1, 1, available: 2));
        await Reserve(api, team);

        await Task.Delay(150);

        Assert.Equal(ReserveStatus.Cold, (await Reserve(api, team)).Status);
        Assert.Equal(0L, (long)await api.RedisDatabase.ScriptEvaluateAsync("return #redis.call('KEYS', ARGV[1])", [], [$"*{team}*"]));
        Assert.Equal(ReserveStatus.Held, (await Reserve(api, other)).Status);
    }

    // Lua counts in doubles: more than it can count exactly must neither refuse nor wrap.
    [Fact]
    public async Task A_balance_beyond_what_Lua_counts_exactly_admits()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = Team();
        await api.Redis.SeedAsync(Balance(team, 1, 1, available: 99_999_999_999_999.999999m));

        Assert.Equal(ReserveStatus.Held, (await Reserve(api, team)).Status);
    }

    // The push of a top-up is lost: the refusal that rests on it asks Postgres, and all is well from there on.
    [Fact]
    public async Task A_lost_push_does_not_refuse_a_paying_team()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis, options => options.RefusalAgeMax = TimeSpan.Zero);
        await using var silent = new LedgerHarness(stores.Postgres, null);
        var team = await api.CreateTeamAsync(0);
        Assert.Equal("credits.insufficient", (await api.OpenAsync(team)).Failure?.Code);

        await silent.AddAsync(team, 3);
        await Task.Delay(5);

        Assert.Null((await api.OpenAsync(team)).Failure);
        Assert.Equal((3m, 0m, 1m), await api.AccountAsync(team));
    }

    // Redis was too slow for the push; what its caller was told holds all the same.
    [Fact]
    public async Task Credits_are_there_for_the_next_request_even_if_the_push_of_them_was_missed()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(0);
        Assert.Equal("credits.insufficient", (await api.OpenAsync(team)).Failure?.Code);
        // The push's script fails on this, the reservation's does not look at it.
        await api.RedisDatabase.HashSetAsync($"{{team:{team}}}:balance", "version", "spoilt");

        await api.AddAsync(team, 1);

        Assert.Equal(ReserveStatus.Refused, (await Reserve(api, team)).Status);
        Assert.Null((await api.OpenAsync(team)).Failure);
    }

    [Fact]
    public async Task Losing_all_of_Redis_in_the_middle_heals()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(6);
        var before = await api.OpenedAsync(team);
        await api.OpenedAsync(team);
        await api.RedisDatabase.ScriptEvaluateAsync("for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end", [], [$"*{team}*"]);

        var opened = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => api.OpenAsync(team)));
        Assert.Equal(4, opened.Count(o => o.Failure is null));
        await api.CloseAsync(team, before);

        Assert.Equal("credits.insufficient", (await api.OpenAsync(team)).Failure?.Code);
        Assert.Equal((6m, 1m, 5m), await api.AccountAsync(team));
        Assert.Empty(await api.MismatchesAsync());
    }

    // A push that waited covers several versions, and the seed may have brought the first of them.
    [Fact]
    public async Task A_push_over_several_versions_counts_those_after_the_seed()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = Team();
        await api.Redis.SeedAsync(Balance(team, 2, 2, available: 0));
        await api.Redis.PushAsync(Balance(team, 4, 5, available: 0));
        Assert.False((await Reserve(api, team)).IsCertain);

        await api.Redis.PushAsync(Balance(team, 1, 4, available: 9));
        var refused = await Reserve(api, team);

        Assert.Equal(ReserveStatus.Refused, refused.Status);
        Assert.True(refused.IsCertain);
    }

    // Another process refused a job at version 3 and said so before the push that brings versions 3 and 4.
    [Fact]
    public async Task A_push_over_several_versions_brings_one_that_was_missing_in_between()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = Team();
        await api.Redis.SeedAsync(Balance(team, 2, 2, available: 0));
        await api.Redis.PushAsync(Balance(team, 3, 3, available: 0));
        Assert.False((await Reserve(api, team)).IsCertain);

        await api.Redis.PushAsync(Balance(team, 2, 4, available: 0));

        Assert.True((await Reserve(api, team)).IsCertain);
    }

    private static string Team() => $"team_{Guid.NewGuid():N}";

    private static JobId Job() => JobId.New(TimeProvider.System);

    private static Task<ReserveReply> Reserve(LedgerHarness api, string team) => api.Redis.ReserveAsync(team, Job(), null, TimeSpan.FromHours(1));

    private static BalancePush Balance(string team, long from, long version, decimal available, params JobId[] contained) => new(
        team, from, version, available + contained.Length, 0, contained.Length, 1, true, [.. contained.Select(job => new HoldView(job, 1, s_later))], []);
}
