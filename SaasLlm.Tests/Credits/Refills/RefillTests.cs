using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using SaasLlm.Core.Background;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Refills;
using SaasLlm.Core.Data;
using SaasLlm.Core.Idempotency;

namespace SaasLlm.Tests.Credits.Refills;

/// <summary>What is due is given once, whoever gives it, whatever dies in between; and what was missed is not made up for.</summary>
public sealed class RefillTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task Runners_give_what_is_due_once_and_the_next_tick_is_a_period_later()
    {
        await using var api = Harness();
        await using var other = Harness();
        var teams = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => api.CreateTeamAsync(5)));
        foreach (var team in teams)
        {
            await ConfigureAsync(api, team, new(true, RefillPeriod.Daily, RefillMode.Amount, 7, StartsAt: await NowAsync(api)));
        }

        await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Pass(n % 2 == 0 ? api : other).RunAsync(default)));
        await Pass(other).RunAsync(default);

        foreach (var team in teams)
        {
            Assert.Equal((12m, 0m, 0m), await api.AccountAsync(team));
            Assert.Equal("t 7 1 day 1", await api.ScalarAsync<string>($"""
                SELECT concat_ws(' ', r.last_refill_at = r.starts_at, trim_scale(r.last_credits), r.next_refill_at - r.last_refill_at,
                       (SELECT count(*) FROM outbox o WHERE o.team_id = r.team_id AND topic = 'credits.added' AND payload->>'kind' = 'refill'))
                  FROM credit_refills r WHERE team_id = '{team}'
                """));
        }

        Assert.Empty(await api.MismatchesAsync());
    }

    // The grant is committed, its runner dies before the next tick's time is: the row is due again.
    [Fact]
    public async Task A_grant_whose_tick_was_not_written_is_not_given_again()
    {
        await using var api = Harness();
        var team = await api.CreateTeamAsync(0);
        await ConfigureAsync(api, team, new(true, RefillPeriod.Weekly, RefillMode.UpTo, 10, StartsAt: await NowAsync(api)));
        var before = await api.ScalarAsync<DateTime>($"SELECT next_refill_at FROM credit_refills WHERE team_id = '{team}'");
        await Pass(api).RunAsync(default);
        await api.CloseAsync(team, await api.OpenedAsync(team));
        await api.ExecuteAsync($"UPDATE credit_refills SET next_refill_at = '{before:O}', last_refill_at = NULL, last_credits = NULL WHERE team_id = '{team}'");

        await Pass(api).RunAsync(default);

        Assert.Equal((10m, 1m, 0m), await api.AccountAsync(team));
        Assert.Equal("10 t", await api.ScalarAsync<string>(
            $"SELECT concat_ws(' ', trim_scale(last_credits), next_refill_at > ledger_now()) FROM credit_refills WHERE team_id = '{team}'"));
        // Another amount for the same tick neither.
        await api.ExecuteAsync($"UPDATE credit_refills SET next_refill_at = '{before:O}', mode = 'amount', credits = 99 WHERE team_id = '{team}'");
        await Pass(api).RunAsync(default);
        Assert.Equal((10m, 1m, 0m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task After_an_outage_only_the_newest_tick_is_given()
    {
        await using var api = Harness();
        var team = await api.CreateTeamAsync(0);
        await ConfigureAsync(api, team, new(true, RefillPeriod.Daily, RefillMode.Amount, 3, StartsAt: (await NowAsync(api)).AddDays(1)));
        await api.ExecuteAsync($"""
            UPDATE credit_refills SET starts_at = ledger_now() - interval '10 days 1 hour', next_refill_at = ledger_now() - interval '4 days 1 hour' WHERE team_id = '{team}'
            """);

        await Pass(api).RunAsync(default);

        Assert.Equal((3m, 0m, 0m), await api.AccountAsync(team));
        Assert.Equal("10 days 11 days", await api.ScalarAsync<string>(
            $"SELECT concat_ws(' ', last_refill_at - starts_at, next_refill_at - starts_at) FROM credit_refills WHERE team_id = '{team}'"));
    }

    [Fact]
    public async Task Up_to_a_level_counts_what_is_held_and_not_what_has_expired_and_a_full_team_gets_nothing()
    {
        await using var api = Harness();
        var (low, full, expired) = (await api.CreateTeamAsync(4), await api.CreateTeamAsync(30), await api.CreateTeamAsync(2));
        await api.OpenedAsync(low);
        var lot = (await api.Ledger.AddCreditsAsync(
            new(TransactionId.New(TimeProvider.System), expired, 50, "test", new(LotSource.Promotion, Priority: 0)), default)).Value.TransactionId;
        await api.OpenedAsync(expired);
        await api.ExecuteAsync($"UPDATE credit_lots SET expires_at = now() - interval '1 second' WHERE lot_id = '{lot}'");
        foreach (var team in new[] { low, full, expired })
        {
            await ConfigureAsync(api, team, new(true, RefillPeriod.Monthly, RefillMode.UpTo, 10, StartsAt: await NowAsync(api)));
        }

        await Pass(api).RunAsync(default);

        Assert.Equal((10m, 0m, 1m), await api.AccountAsync(low));
        Assert.Equal((30m, 0m, 0m), await api.AccountAsync(full));
        // 52, of which 49 went and 1 of the expired lot is held: 3 remain, 7 come.
        Assert.Equal((10m, 0m, 1m), await api.AccountAsync(expired));
        Assert.Equal("6,0,7", await api.ScalarAsync<string>(
            $"SELECT string_agg(trim_scale(last_credits)::text, ',' ORDER BY array_position(ARRAY['{low}','{full}','{expired}'], team_id)) FROM credit_refills WHERE team_id IN ('{low}','{full}','{expired}')"));
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task A_refill_costs_what_its_credits_cost_and_of_a_part_that_part()
    {
        await using var api = Harness();
        var (whole, part, gift) = (await api.CreateTeamAsync(0), await api.CreateTeamAsync(2), await api.CreateTeamAsync(0));
        var change = new RefillChange(true, RefillPeriod.Monthly, RefillMode.UpTo, 3, StartsAt: await NowAsync(api), CostBasisUsd: 10);
        await ConfigureAsync(api, whole, change with { Mode = RefillMode.Amount });
        await ConfigureAsync(api, part, change);
        await ConfigureAsync(api, gift, change with { CostBasisUsd = 0 });
        // What is not named stays.
        Assert.Equal(10, (await ConfigureAsync(api, part, new(true))).CostBasisUsd);

        await Pass(api).RunAsync(default);

        Assert.Equal("10,3.3333333333,0", await api.ScalarAsync<string>($"""
            SELECT string_agg(trim_scale(cost_basis_usd)::text, ',' ORDER BY array_position(ARRAY['{whole}','{part}','{gift}'], team_id))
              FROM credit_lots WHERE source = 'refill' AND team_id IN ('{whole}','{part}','{gift}')
            """));
    }

    // Jobs burn and grants come at the same time: the level is looked at under the account's lock.
    [Fact]
    public async Task Up_to_a_level_never_goes_above_it_while_the_team_works()
    {
        await using var api = Harness();
        await using var other = Harness();
        var team = await api.CreateTeamAsync(20);
        var start = (await NowAsync(api)).AddDays(-40);
        var work = Parallel.ForAsync(0, 60, async (_, _) => await api.CloseAsync(team, await api.OpenedAsync(team)));
        var refills = Parallel.ForAsync(0, 20, async (n, _) => await (n % 2 == 0 ? api : other).Ledger.RefillAsync(
            new(TransactionId.New(TimeProvider.System), team, RefillMode.UpTo, 20, $"{start.AddDays(n):O}", null, "test"), default));
        await Task.WhenAll(work.ContinueWith(_ => { }, TaskScheduler.Default), refills);

        Assert.Equal(0L, await api.ScalarAsync<long>($"SELECT count(*) FROM credit_transactions WHERE team_id = '{team}' AND credits_after > 20"));
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task What_expires_ends_with_its_period_and_a_suspended_team_gets_none()
    {
        await using var api = Harness();
        var (team, suspended) = (await api.CreateTeamAsync(0), await api.CreateTeamAsync(0));
        await api.ExecuteAsync($"UPDATE teams SET status = 'suspended' WHERE team_id = '{suspended}'");
        foreach (var one in new[] { team, suspended })
        {
            await ConfigureAsync(api, one, new(true, RefillPeriod.Monthly, RefillMode.Amount, 5, Expires: true, StartsAt: await NowAsync(api)));
        }

        await Pass(api).RunAsync(default);

        Assert.Equal((5m, 0m, 0m), await api.AccountAsync(team));
        Assert.Equal((0m, 0m, 0m), await api.AccountAsync(suspended));
        Assert.Equal("refill t ? t", await api.ScalarAsync<string>($"""
            SELECT concat_ws(' ', l.source, l.expires_at = r.next_refill_at, coalesce(l.cost_basis_usd::text, '?'), r.next_refill_at = r.starts_at + interval '1 month')
              FROM credit_lots l JOIN credit_refills r USING (team_id) WHERE team_id = '{team}'
            """));
        Assert.Equal("0 t", await api.ScalarAsync<string>(
            $"SELECT concat_ws(' ', last_credits::int, next_refill_at > ledger_now()) FROM credit_refills WHERE team_id = '{suspended}'"));
    }

    // A tool that keeps the same settings sends the same body again and again.
    [Fact]
    public async Task A_tick_that_gave_nothing_is_not_given_by_a_repeated_body()
    {
        await using var api = Harness();
        var (full, suspended) = (await api.CreateTeamAsync(10), await api.CreateTeamAsync(0));
        await api.ExecuteAsync($"UPDATE teams SET status = 'suspended' WHERE team_id = '{suspended}'");
        var change = new RefillChange(true, RefillPeriod.Weekly, RefillMode.UpTo, 10, StartsAt: (await NowAsync(api)).AddDays(-3).AddTicks(7));
        string[] teams = [full, suspended];
        foreach (var team in teams)
        {
            await ConfigureAsync(api, team, change);
        }

        await Pass(api).RunAsync(default);
        await api.CloseAsync(full, await api.OpenedAsync(full));
        await api.ExecuteAsync($"UPDATE teams SET status = 'active' WHERE team_id = '{suspended}'");
        foreach (var team in teams)
        {
            var next = (await ConfigureAsync(api, team, change)).NextRefillAt;
            Assert.Equal(next, (await ConfigureAsync(api, team, new(false))).NextRefillAt);
            Assert.Equal(next, (await ConfigureAsync(api, team, change)).NextRefillAt);
            // Nor by an earlier start, whose newest tick is before it; its next one is.
            Assert.Equal(next.AddDays(-1), (await ConfigureAsync(api, team, change with { StartsAt = change.StartsAt!.Value.AddDays(-1) })).NextRefillAt);
        }

        await Pass(api).RunAsync(default);

        Assert.Equal((10m, 1m, 0m), await api.AccountAsync(full));
        Assert.Equal((0m, 0m, 0m), await api.AccountAsync(suspended));
    }

    [Fact]
    public async Task A_change_goes_on_a_new_period_begins_anew_and_what_is_off_gives_nothing()
    {
        await using var api = Harness();
        var team = await api.CreateTeamAsync(0);
        var start = (await NowAsync(api)).AddHours(-30);
        Assert.Equal("credits.refill_incomplete", (await TryAsync(api, team, new(true, RefillPeriod.Daily))).Failure?.Code);
        Assert.Equal("credits.refill_start", (await TryAsync(api, team, new(true, RefillPeriod.Daily, Credits: 1, StartsAt: start.AddDays(-370)))).Failure?.Code);
        Assert.Equal("team.not_found", (await TryAsync(api, "nobody", new(true, RefillPeriod.Daily, Credits: 1))).Failure?.Code);
        Assert.Null((await TryAsync(api, team, new(false))).Value);

        var set = await ConfigureAsync(api, team, new(true, RefillPeriod.Daily, Credits: 2, StartsAt: start));
        Assert.Equal((start, start.AddDays(1), RefillMode.Amount, false), (set.StartsAt, set.NextRefillAt, set.Mode, set.Expires));
        var changed = await ConfigureAsync(api, team, new(true, Credits: 4, Mode: RefillMode.UpTo, Expires: true));
        Assert.Equal((start, start.AddDays(1), 4m, RefillMode.UpTo, true), (changed.StartsAt, changed.NextRefillAt, changed.Credits, changed.Mode, changed.Expires));

        var off = await ConfigureAsync(api, team, new(false));
        Assert.Equal((false, start, 4m), (off.IsEnabled, off.StartsAt, off.Credits));
        await Pass(api).RunAsync(default);
        Assert.Equal((0m, 0m, 0m), await api.AccountAsync(team));

        var before = await NowAsync(api);
        var on = await ConfigureAsync(api, team, new(true));
        Assert.Contains(on.NextRefillAt, new[] { before, await NowAsync(api) }.Select(now => RefillPeriod.BoundaryAfter(RefillPeriod.Daily, now)));
        var weekly = await ConfigureAsync(api, team, new(true, RefillPeriod.Weekly));
        Assert.Equal((DayOfWeek.Monday, weekly.StartsAt), (weekly.NextRefillAt.DayOfWeek, weekly.NextRefillAt));
    }

    [Fact]
    public async Task Without_the_ledger_what_is_due_stays_due()
    {
        await using var api = Harness();
        var team = await api.CreateTeamAsync(0);
        await ConfigureAsync(api, team, new(true, RefillPeriod.Daily, Credits: 2, StartsAt: await NowAsync(api)));
        await using var gone = new LedgerHarness("Host=127.0.0.1;Port=1;Username=nobody;Database=none;Timeout=1", stores.Redis);

        var failure = await Assert.ThrowsAsync<PassFailedException>(
            () => new RefillCreditsPass(api.Source, gone.Ledger, TimeProvider.System, NullLogger<RefillCreditsPass>.Instance).RunAsync(default));

        Assert.Equal("Refills wait: store.unavailable", failure.Message);
        await Pass(api).RunAsync(default);
        Assert.Equal((2m, 0m, 0m), await api.AccountAsync(team));
    }

    private LedgerHarness Harness() => new(stores.Postgres, stores.Redis);

    private static RefillCreditsPass Pass(LedgerHarness api)
        => new(api.Source, api.Ledger, TimeProvider.System, NullLogger<RefillCreditsPass>.Instance);

    private static async Task<DateTimeOffset> NowAsync(LedgerHarness api) => new(await api.ScalarAsync<DateTime>("SELECT ledger_now()"), TimeSpan.Zero);

    private Task<Result<CreditRefill?>> TryAsync(LedgerHarness _, string team, RefillChange change)
        => new RefillService(new Contexts(stores.Postgres)).ConfigureAsync(team, change, IdempotentWork.Once(TimeProvider.System), default);

    private async Task<CreditRefill> ConfigureAsync(LedgerHarness api, string team, RefillChange change) => (await TryAsync(api, team, change)).Value!;

    private sealed class Contexts(string postgres) : IDbContextFactory<SaasLlmDbContext>
    {
        public SaasLlmDbContext CreateDbContext() => new(new DbContextOptionsBuilder<SaasLlmDbContext>().UseNpgsql(postgres).Options);
    }
}
