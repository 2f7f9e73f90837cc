using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;
using SaasLlm.Tests.Credits.Programs;

namespace SaasLlm.Tests.Credits;

/// <summary>Credits burn lot by lot, expire lot by lot, and go back to the lots they came from.</summary>
public sealed class LotTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private static readonly DateTimeOffset s_now = new(2026, 5, 10, 8, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Lots_burn_by_priority_then_expiry_then_age()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(0);
        var expires = TimeProvider.System.GetUtcNow().AddDays(1);
        var old = await GrantAsync(api, team, 1);
        var young = await GrantAsync(api, team, 1);
        var late = await GrantAsync(api, team, 1, expires: expires.AddDays(1));
        var soon = await GrantAsync(api, team, 1, expires: expires);
        var last = await GrantAsync(api, team, 1, priority: 51, expires: expires.AddHours(-1));
        var first = await GrantAsync(api, team, 1, priority: 0);

        var job = (await api.Ledger.OpenJobAsync(ConsumptionTests.Open(team) with { Price = 5.5m }, default)).Value.JobId;

        Assert.Equal([first, soon, late, old, young, last], await LotIdsAsync(api, job));
        await api.CloseAsync(team, job);
        Assert.Equal(0.5m, await LeftAsync(api, last));
        Assert.Empty(await api.MismatchesAsync());
    }

    [Theory]
    [InlineData(JobStatus.Failed)]
    [InlineData(JobStatus.Cancelled)]
    public async Task A_job_that_is_not_charged_gives_each_lot_back_what_it_gave(string status)
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(0, price: 5);
        LotId[] lots = [await GrantAsync(api, team, 2), await GrantAsync(api, team, 2.5m), await GrantAsync(api, team, 4)];
        var job = await api.OpenedAsync(team);
        // Comes before the others, and has nothing to do with this job.
        await GrantAsync(api, team, 3, priority: 1);

        await api.CloseAsync(team, job, status);

        Assert.Equal([2m, 2.5m, 4m], await Task.WhenAll(lots.Select(lot => LeftAsync(api, lot))));
        Assert.Equal(0m, await api.ScalarAsync<decimal>($"SELECT sum(reserved) FROM credit_lots WHERE team_id = '{team}'"));
        Assert.Equal(4L, await api.ScalarAsync<long>($"SELECT count(*) FROM credit_transactions WHERE team_id = '{team}'"));
    }

    [Fact]
    public async Task Expiry_takes_what_is_free_and_a_freed_credit_of_an_expired_lot_at_the_next_pass()
    {
        var (api, clock, team) = await StoppedAsync();
        await using var _ = api;
        var expiring = await GrantAsync(api, team, 5, expires: s_now.AddHours(1));
        await GrantAsync(api, team, 5);
        var (kept, freed) = ((await OpenAsync(api, team, 1)).JobId, (await OpenAsync(api, team, 2)).JobId);
        await clock.SetClockAsync(s_now.AddHours(1));

        Assert.Equal(2m, (await api.Ledger.ExpireLotsAsync(team, default)).Value);
        Assert.Equal(0m, (await api.Ledger.ExpireLotsAsync(team, default)).Value);
        Assert.Equal((8m, 0m, 3m), await api.AccountAsync(team));
        await api.CloseAsync(team, freed, JobStatus.Failed);
        Assert.Equal(2m, (await api.Ledger.ExpireLotsAsync(team, default)).Value);
        Assert.Equal(1m, (await api.CloseAsync(team, kept)).Value.CreditsCharged);

        Assert.Equal(0m, await LeftAsync(api, expiring));
        // What expired lowers what was allocated; it was not used.
        Assert.Equal((6m, 1m, 0m), await api.AccountAsync(team));
        Assert.Equal("topup 5 topup 5 expiry -2 expiry -2 deduction -1", await KindsAsync(api, team));
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task Expiry_in_the_middle_of_openings_takes_no_held_credit_and_loses_none()
    {
        var (one, clock, team) = await StoppedAsync();
        await using var _ = one;
        await using var two = new LedgerHarness(clock.Postgres, stores.Redis);
        await GrantAsync(one, team, 30, expires: s_now.AddHours(1));
        await clock.SetClockAsync(s_now.AddHours(2));

        var race = Enumerable.Range(0, 20).Select(async round =>
        {
            await Task.Yield();
            return round % 4 == 3
                ? (await two.Ledger.ExpireLotsAsync(team, default)).Value
                : (await one.OpenAsync(team)).TryGet(out var job, out var ignored) ? -(await two.CloseAsync(team, job.JobId)).Value.CreditsCharged : 0;
        });
        var results = await Task.WhenAll(race);

        var rest = (await one.Ledger.ExpireLotsAsync(team, default)).Value;
        Assert.Equal(30, results.Sum(Math.Abs) + rest);
        Assert.Equal(-results.Where(result => result < 0).Sum(), (await one.AccountAsync(team)).Used);
        Assert.Equal(0, (await one.AccountAsync(team)).Held);
        Assert.Empty(await one.MismatchesAsync());
    }

    [Fact]
    public async Task A_negative_adjustment_takes_what_is_free_and_says_how_much_that_is()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5, price: 3);
        await api.OpenedAsync(team);

        var refused = (await AdjustAsync(api, team, -2.000001m)).Failure!;
        var taken = (await AdjustAsync(api, team, -2)).Value;

        Assert.Equal((FailureKind.Conflict, "credits.held", 2m, 3m), (refused.Kind, refused.Code, refused.Details!["available"], refused.Details["held"]));
        Assert.Equal(("adjustment", -2m, 5m, 3m), (taken.Kind, taken.Amount, taken.CreditsBefore, taken.CreditsAfter));
        Assert.Equal((3m, 0m, 3m), await api.AccountAsync(team));
        Assert.Equal("credits.invalid_amount", (await AdjustAsync(api, team, 0)).Failure?.Code);
        Assert.Equal("credits.invalid_amount", (await AdjustAsync(api, team, 0.0000001m)).Failure?.Code);
    }

    [Fact]
    public async Task A_grant_is_known_by_its_source_and_reference()
    {
        await using var one = new LedgerHarness(stores.Postgres, stores.Redis);
        await using var two = new LedgerHarness(stores.Postgres, stores.Redis);
        var (team, other) = (await one.CreateTeamAsync(0), await one.CreateTeamAsync(0));

        var twins = await Task.WhenAll(Enumerable.Range(0, 10).Select(twin => AddAsync(twin % 2 == 0 ? one : two, team, LotSource.Purchase, 7)));

        Assert.Single(twins.Select(twin => twin.Value.TransactionId).Distinct());
        Assert.Equal("credits.reference_used", (await AddAsync(one, team, LotSource.Purchase, 8)).Failure?.Code);
        Assert.Null((await AddAsync(one, team, LotSource.Promotion, 8)).Failure);
        Assert.Null((await AddAsync(one, other, LotSource.Purchase, 8)).Failure);
        Assert.Equal((15m, 0m, 0m), await one.AccountAsync(team));
        Assert.Equal(2L, await one.ScalarAsync<long>($"SELECT count(*) FROM outbox WHERE team_id = '{team}' AND topic = 'credits.added'"));

        static Task<Result<PostedTransaction>> AddAsync(LedgerHarness api, string team, string source, decimal credits)
            => api.Ledger.AddCreditsAsync(new(TransactionId.New(TimeProvider.System), team, credits, "test", new(source, "invoice-1")), default);
    }

    [Fact]
    public async Task Each_crossing_of_a_level_is_one_event()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(4);
        await api.Ledger.ConfigureAccountAsync(new(team, Thresholds: new([2, 3], null)), default);

        for (var credit = 0; credit < 4; credit++)
        {
            await api.CloseAsync(team, await api.OpenedAsync(team));
            await Infrastructure.WallClock.NextIdAsync();
        }

        await api.AddAsync(team, 3);
        await Infrastructure.WallClock.NextIdAsync();
        await api.AddAsync(team, 3);

        await using var command = api.Source.CreateCommand(
            $"SELECT string_agg(topic || ' ' || (payload ->> 'threshold'), ', ' ORDER BY message_id) FROM outbox WHERE team_id = '{team}' AND payload ? 'threshold'");
        Assert.Equal(
            "credits.low 3, credits.low 2, credits.exhausted 0, credits.recovered 2, credits.recovered 3", await command.ExecuteScalarAsync());
    }

    internal static async Task<LotId> GrantAsync(LedgerHarness api, string team, decimal credits, int priority = 50, DateTimeOffset? expires = null)
    {
        var id = TransactionId.New(TimeProvider.System);
        Assert.Null((await api.Ledger.AddCreditsAsync(
            new(id, team, credits, "test", new(LotSource.Purchase, Priority: priority, ExpiresAt: expires)), default)).Failure);
        return new(id.Value);
    }

    internal static async Task<OpenedJob> OpenAsync(LedgerHarness api, string team, decimal price)
        => (await api.Ledger.OpenJobAsync(ConsumptionTests.Open(team) with { Price = price, Lifetime = TimeSpan.FromDays(200) }, default)).Value;

    internal static Task<decimal> LeftAsync(LedgerHarness api, LotId lot)
        => api.ScalarAsync<decimal>($"SELECT remaining FROM credit_lots WHERE lot_id = '{lot}'");

    internal static Task<string> KindsAsync(LedgerHarness api, string team) => api.ScalarAsync<string>(
        $"SELECT string_agg(kind || ' ' || trim_scale(amount), ' ' ORDER BY sequence) FROM credit_transactions WHERE team_id = '{team}'");

    private static async Task<LotId[]> LotIdsAsync(LedgerHarness api, JobId job)
        => [.. (await api.ScalarAsync<Guid[]>($"SELECT lot_ids FROM jobs WHERE job_id = '{job}'")).Select(id => new LotId(id))];

    private static Task<Result<PostedTransaction>> AdjustAsync(LedgerHarness api, string team, decimal credits)
        => api.Ledger.AdjustCreditsAsync(new(TransactionId.New(TimeProvider.System), team, credits, "test"), default);

    private Task<(LedgerHarness Api, StoredLedger Clock, string Team)> StoppedAsync() => StoppedAsync(stores, s_now);

    /// <summary>A database of its own, whose clock stands.</summary>
    internal static async Task<(LedgerHarness Api, StoredLedger Clock, string Team)> StoppedAsync(LedgerStores stores, DateTimeOffset now)
    {
        var database = new LedgerStores(stores.App);
        await database.InitializeAsync();
        var api = new LedgerHarness(database.Postgres, database.Redis);
        await StoredLedger.StopClockAsync(api);
        var team = await api.CreateTeamAsync(0);
        var clock = new StoredLedger(api, team) { Postgres = database.Postgres };
        await clock.SetClockAsync(now);
        return (api, clock, team);
    }
}
