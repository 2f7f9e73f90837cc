using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits;

/// <summary>A deduction goes back in parts, up to itself, to the lots it came from.</summary>
public sealed class RefundTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private static readonly DateTimeOffset s_now = new(2026, 5, 10, 8, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Parts_go_back_newest_burn_first_up_to_the_deduction()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(0, price: 5);
        LotId[] lots = [await LotTests.GrantAsync(api, team, 2), await LotTests.GrantAsync(api, team, 2), await LotTests.GrantAsync(api, team, 4)];
        var job = await api.OpenedAsync(team);
        await api.CloseAsync(team, job);
        Assert.Equal([0m, 0m, 3m], await LeftAsync());

        var first = (await RefundAsync(api, team, job, 1.5m)).Value;
        Assert.Equal([0m, 0.5m, 4m], await LeftAsync());
        Assert.Equal([new LotShare(lots[2], 1), new LotShare(lots[1], 0.5m)], first.Lots);
        var tooMuch = (await RefundAsync(api, team, job, 3.500001m)).Failure!;
        var rest = (await RefundAsync(api, team, job, null)).Value;
        var nothing = (await RefundAsync(api, team, job, null)).Failure!;

        Assert.Equal(("credits.refund_exceeds_charge", 3.5m), (tooMuch.Code, tooMuch.Details!["refundable"]));
        Assert.Equal(("refund", 3.5m), (rest.Kind, rest.Amount));
        Assert.Equal(("credits.refund_exceeds_charge", 0m), (nothing.Code, nothing.Details!["refundable"]));
        Assert.Equal([2m, 2m, 4m], await LeftAsync());
        Assert.Equal((8m, 0m, 0m), await api.AccountAsync(team));
        Assert.Empty(await api.MismatchesAsync());

        Task<decimal[]> LeftAsync() => Task.WhenAll(lots.Select(lot => LotTests.LeftAsync(api, lot)));
    }

    [Fact]
    public async Task Only_what_was_charged_is_refunded_and_only_to_its_team()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var (team, other) = (await api.CreateTeamAsync(5), await api.CreateTeamAsync(5));
        var (open, failed, charged) = (await api.OpenedAsync(team), await api.OpenedAsync(team), await api.OpenedAsync(team));
        await api.CloseAsync(team, failed, JobStatus.Failed);
        await api.CloseAsync(team, charged);

        Assert.Equal("credits.not_charged", (await RefundAsync(api, team, open, null)).Failure?.Code);
        Assert.Equal("credits.not_charged", (await RefundAsync(api, team, failed, 1)).Failure?.Code);
        Assert.Equal("job.not_found", (await RefundAsync(api, other, charged, null)).Failure?.Code);
        Assert.Equal("credits.invalid_amount", (await RefundAsync(api, team, charged, -1)).Failure?.Code);
        Assert.Equal("credits.invalid_amount", (await RefundAsync(api, team, charged, 0.0000001m)).Failure?.Code);
        Assert.Equal((5m, 1m, 1m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task Refunds_at_once_never_give_back_more_than_was_charged()
    {
        await using var one = new LedgerHarness(stores.Postgres, stores.Redis);
        await using var two = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await one.CreateTeamAsync(5, price: 5);
        var job = await one.OpenedAsync(team);
        await one.CloseAsync(team, job);

        var refunds = await Task.WhenAll(Enumerable.Range(0, 10).Select(call => RefundAsync(call % 2 == 0 ? one : two, team, job, 2)));

        Assert.Equal(2, refunds.Count(refund => refund.Failure is null));
        Assert.Equal((5m, 1m, 0m), await one.AccountAsync(team));
        Assert.Equal(4m, await one.ScalarAsync<decimal>($"SELECT refunded_amount FROM jobs WHERE job_id = '{job}'"));
        Assert.Empty(await one.MismatchesAsync());
    }

    [Fact]
    public async Task Into_an_expired_lot_it_revives_its_own_part_for_thirty_days_and_not_the_rest()
    {
        var (api, clock, team) = await LotTests.StoppedAsync(stores, s_now);
        await using var _ = api;
        var lot = await LotTests.GrantAsync(api, team, 10, expires: s_now.AddDays(1));
        var job = (await LotTests.OpenAsync(api, team, 4)).JobId;
        await api.CloseAsync(team, job);
        await clock.SetClockAsync(s_now.AddDays(2));

        await RefundAsync(api, team, job, 3);

        Assert.Equal("topup 10 deduction -4 expiry -6 refund 3", await LotTests.KindsAsync(api, team));
        Assert.Equal(3m, await LotTests.LeftAsync(api, lot));
        Assert.Equal((4m, 1m, 0m), await api.AccountAsync(team));
        await clock.SetClockAsync(s_now.AddDays(32).AddTicks(-10));
        Assert.Equal(0m, (await api.Ledger.ExpireLotsAsync(team, default)).Value);
        await clock.SetClockAsync(s_now.AddDays(32));
        Assert.Equal(3m, (await api.Ledger.ExpireLotsAsync(team, default)).Value);
        Assert.Empty(await api.MismatchesAsync());
    }

    // Refund, adjustment and grant carry their row's id: it is looked up when the reply to COMMIT is lost, and repeating is safe.
    [Theory]
    [InlineData("refund", true)]
    [InlineData("refund", false)]
    [InlineData("adjust", true)]
    [InlineData("adjust", false)]
    [InlineData("add", true)]
    [InlineData("add", false)]
    public async Task A_lost_answer_to_commit_is_looked_up_and_the_command_is_done_once(string kind, bool isCommitted)
    {
        await using var plain = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await plain.CreateTeamAsync(5, price: 3);
        var job = await plain.OpenedAsync(team);
        await plain.CloseAsync(team, job);
        var server = new NpgsqlConnectionStringBuilder(stores.Postgres);
        await using var proxy = new TcpProxy(server.Host!, server.Port);
        await using var api = new LedgerHarness(
            new NpgsqlConnectionStringBuilder(stores.Postgres) { Host = "127.0.0.1", Port = proxy.Port }.ConnectionString, stores.Redis);
        var id = TransactionId.New(TimeProvider.System);
        (proxy.CutReplyTo, proxy.CutBefore) = isCommitted ? ("COMMIT", proxy.CutBefore) : (proxy.CutReplyTo, "COMMIT");

        var first = await SendAsync(api);

        Assert.Equal(1, proxy.Cuts);
        Assert.Equal(isCommitted ? null : "store.unavailable", first.Failure?.Code);
        Assert.Equal(isCommitted ? 3L : 2L, await CountAsync());
        var again = (await SendAsync(api)).Value;
        Assert.Equal((id, 3L), (again.TransactionId, again.Sequence));
        Assert.Equal(3L, await CountAsync());
        Assert.Equal(kind switch { "refund" => (5m, 1m, 0m), "adjust" => (3m, 3m, 0m), _ => (7m, 3m, 0m) }, await plain.AccountAsync(team));
        Assert.Empty(await plain.MismatchesAsync());

        Task<Result<PostedTransaction>> SendAsync(LedgerHarness by) => kind switch
        {
            "refund" => by.Ledger.RefundJobAsync(new(id, team, job, 2, "test"), default),
            "adjust" => by.Ledger.AdjustCreditsAsync(new(id, team, -2, "test"), default),
            _ => by.Ledger.AddCreditsAsync(new(id, team, 2, "test", new(LotSource.Purchase)), default),
        };

        Task<long> CountAsync() => plain.ScalarAsync<long>($"SELECT count(*) FROM credit_transactions WHERE team_id = '{team}'");
    }

    [Fact]
    public async Task A_poisoned_grant_does_not_fail_its_neighbours()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5, price: 2);
        var job = await api.OpenedAsync(team);
        await api.CloseAsync(team, job);

        // The table knows no such priority.
        var poisoned = api.Ledger.AddCreditsAsync(
            new(TransactionId.New(TimeProvider.System), team, 1, "test", new(LotSource.Purchase, Priority: 101)), default);
        var refunds = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RefundAsync(api, team, job, 0.5m)));
        var grants = Task.WhenAll(Enumerable.Range(0, 10).Select(_ => api.AddAsync(team, 1)));

        await Assert.ThrowsAsync<PostgresException>(() => poisoned);
        Assert.All(await refunds, refund => Assert.Null(refund.Failure));
        await grants;
        Assert.Equal((15m, 0m, 0m), await api.AccountAsync(team));
        Assert.Empty(await api.MismatchesAsync());
    }

    private static Task<Result<PostedTransaction>> RefundAsync(LedgerHarness api, string team, JobId job, decimal? credits)
        => api.Ledger.RefundJobAsync(new(TransactionId.New(TimeProvider.System), team, job, credits, "test"), default);
}
