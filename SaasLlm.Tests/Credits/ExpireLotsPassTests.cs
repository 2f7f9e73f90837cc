using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.Tests.Credits;

/// <summary>JobRunner takes back what is left of lots whose time is over, and never what jobs hold.</summary>
public sealed class ExpireLotsPassTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task What_is_free_in_an_expired_lot_goes_once_whoever_else_runs()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        await using var other = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var expired = await GrantAsync(api, team, 3, priority: 0);
        await GrantAsync(api, team, 2, priority: 90);
        await ExpireAsync(api, expired);

        await Task.WhenAll(Enumerable.Range(0, 6).Select(n => Pass(n % 2 == 0 ? api : other).RunAsync(default)));

        Assert.Equal((7m, 0m, 0m), await api.AccountAsync(team));
        Assert.Equal("-3 {-3.000000}", await api.ScalarAsync<string>(
            $"SELECT string_agg(trim_scale(amount) || ' ' || lot_amounts::text, ',') FROM credit_transactions WHERE team_id = '{team}' AND kind = 'expiry'"));
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task What_a_job_holds_of_it_goes_once_it_is_free()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(0);
        var lot = await GrantAsync(api, team, 3, priority: 0);
        var (kept, released) = (await api.OpenedAsync(team), await api.OpenedAsync(team));
        await ExpireAsync(api, lot);

        await Pass(api).RunAsync(default);
        Assert.Equal((2m, 0m, 2m), await api.AccountAsync(team));
        await Pass(api).RunAsync(default);
        Assert.Equal((2m, 0m, 2m), await api.AccountAsync(team));

        await api.CloseAsync(team, kept);
        await api.CloseAsync(team, released, "failed");
        await Pass(api).RunAsync(default);
        Assert.Equal((1m, 1m, 0m), await api.AccountAsync(team));
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task A_full_batch_goes_again_until_nothing_is_left()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(1);
        await Task.WhenAll(Enumerable.Range(0, 250).Select(_ => GrantAsync(api, team, 1, priority: 90)));
        var others = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => api.CreateTeamAsync(1)));
        await api.ExecuteAsync($"UPDATE credit_lots SET expires_at = now() - interval '1 minute' WHERE team_id = '{team}' AND priority = 90");
        await api.ExecuteAsync($"UPDATE credit_lots SET expires_at = now() - interval '1 second' WHERE team_id IN ('{string.Join("','", others)}')");

        var pass = Pass(api);
        Assert.True(await pass.RunAsync(default));
        Assert.False(await pass.RunAsync(default));

        Assert.Equal((1m, 0m, 0m), await api.AccountAsync(team));
        foreach (var other in others)
        {
            Assert.Equal((0m, 0m, 0m), await api.AccountAsync(other));
        }

        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task A_lot_that_has_not_expired_stays()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(1);
        var lot = await GrantAsync(api, team, 3, priority: 0);
        await api.ExecuteAsync($"UPDATE credit_lots SET expires_at = now() + interval '1 hour' WHERE lot_id = '{lot}'");
        Assert.False(await Pass(api).RunAsync(default));
        Assert.Equal((4m, 0m, 0m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task Without_postgres_it_waits_quietly()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        await using var gone = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Username=nobody;Database=none;Timeout=1");
        Assert.False(await new ExpireLotsPass(gone, api.Ledger, NullLogger<ExpireLotsPass>.Instance).RunAsync(default));
    }

    private static ExpireLotsPass Pass(LedgerHarness api) => new(api.Source, api.Ledger, NullLogger<ExpireLotsPass>.Instance);

    private static async Task<Guid> GrantAsync(LedgerHarness api, string team, decimal credits, int priority)
        => (await api.Ledger.AddCreditsAsync(
            new(TransactionId.New(TimeProvider.System), team, credits, "test", new(LotSource.Promotion, Priority: priority)), default)).Value.TransactionId.Value;

    private static Task ExpireAsync(LedgerHarness api, Guid lot)
        => api.ExecuteAsync($"UPDATE credit_lots SET expires_at = now() - interval '1 second' WHERE lot_id = '{lot}'");
}
