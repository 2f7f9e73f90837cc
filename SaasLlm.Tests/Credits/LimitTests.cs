using System.Globalization;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Tests.Credits.Programs;

namespace SaasLlm.Tests.Credits;

/// <summary>What a team may use in a month, and what a job's calls may cost together.</summary>
public sealed class LimitTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private static readonly BudgetTerms s_dollars = BudgetTerms.Default with { Mode = BudgetMode.ConsumptionUsd };

    [Fact]
    public async Task The_month_turns_at_midnight_UTC_of_Postgres_clock_and_the_settlements_month_counts()
    {
        var database = new LedgerStores(stores.App);
        await database.InitializeAsync();
        await using var api = new LedgerHarness(database.Postgres, database.Redis);
        await StoredLedger.StopClockAsync(api);
        var team = await api.CreateTeamAsync(0, limit: 2);
        var clock = new StoredLedger(api, team);
        await clock.SetClockAsync(DateTimeOffset.Parse("2026-03-31T23:59:59.999999Z", CultureInfo.InvariantCulture));
        await api.AddAsync(team, 50);
        var charged = await api.OpenedAsync(team);
        await api.CloseAsync(team, charged);
        var over = (await api.OpenAsync(team, lifetime: TimeSpan.FromDays(2))).Value.JobId;
        Assert.Equal("credits.limit", (await api.OpenAsync(team)).Failure?.Code);

        await clock.SetClockAsync(DateTimeOffset.Parse("2026-04-01T02:00:00+02:00", CultureInfo.InvariantCulture));
        var april = await api.OpenedAsync(team);
        Assert.Equal("credits.limit", (await api.OpenAsync(team)).Failure?.Code);
        await api.CloseAsync(team, over);

        Assert.Equal((1m, "2026-04-01"), await MonthAsync(api, team));
        await api.CloseAsync(team, april);
        Assert.Equal("credits.limit", (await api.OpenAsync(team)).Failure?.Code);
        // A refund counts in the month that it is made in.
        await api.Ledger.RefundJobAsync(new(TransactionId.New(TimeProvider.System), team, charged, null, "test"), default);
        Assert.Equal((1m, "2026-04-01"), await MonthAsync(api, team));
        Assert.Null((await api.OpenAsync(team)).Failure);
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task A_refusal_by_the_limit_explains_itself_and_no_limit_is_none()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(50, price: 2, limit: 5);
        await api.CloseAsync(team, await api.OpenedAsync(team));
        await api.OpenedAsync(team);

        var refused = (await api.OpenAsync(team)).Failure!;

        Assert.Equal((FailureKind.InsufficientCredits, "credits.limit"), (refused.Kind, refused.Code));
        Assert.Equal(
            ("credit_limit", 5m, 2m, 2m, 2m, 46m),
            (refused.Details!["limit"], refused.Details["credit_limit"], refused.Details["month_used"], refused.Details["held"], refused.Details["needed"], refused.Details["available"]));
        await api.Ledger.ConfigureAccountAsync(new(team, Limit: new(null)), default);
        Assert.Null((await api.OpenAsync(team)).Failure);
        await api.Ledger.ConfigureAccountAsync(new(team, Limit: new(0)), default);
        Assert.Equal("credits.limit", (await api.OpenAsync(team)).Failure?.Code);
        Assert.Null((await api.Ledger.OpenJobAsync(ConsumptionTests.Open(team) with { Price = 0 }, default)).Failure);
    }

    [Fact]
    public async Task A_settlement_is_collected_up_to_the_limit_and_no_further()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await ConsumptionTests.TeamAsync(api, 50, s_dollars);
        await api.Ledger.ConfigureAccountAsync(new(team, Limit: new(3.5m)), default);
        var job = (await api.Ledger.OpenJobAsync(ConsumptionTests.Open(team), default)).Value.JobId;
        var (call, _) = await ConsumptionTests.StartAsync(api, team, job, usd: 0.1m);
        var (_, refused) = await ConsumptionTests.StartAsync(api, team, job, usd: 0.3m);
        await ConsumptionTests.EndAsync(api, call, usd: 0.6m);

        var closed = (await api.CloseAsync(team, job)).Value;

        Assert.Equal("credits.limit", refused.Failure?.Code);
        Assert.Equal((3.5m, 2.5m), (closed.CreditsCharged, closed.UncollectedCredits));
        Assert.Equal(3.5m, (await MonthAsync(api, team)).Used);
    }

    [Theory]
    [InlineData(BudgetMode.JobBased)]
    [InlineData(BudgetMode.ConsumptionUsd)]
    public async Task A_call_that_could_pass_max_cost_is_refused_and_the_job_goes_on(string mode)
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await ConsumptionTests.TeamAsync(api, 50, BudgetTerms.Default with { Mode = mode, MarkupPercent = 50 });
        var job = (await api.Ledger.OpenJobAsync(ConsumptionTests.Open(team) with { MaxCostUsd = 0.3m }, default)).Value.JobId;

        var (_, refused) = await ConsumptionTests.StartAsync(api, team, job, usd: 0.2000000001m);
        var (first, admitted) = await ConsumptionTests.StartAsync(api, team, job, usd: 0.2m);
        var (_, second) = await ConsumptionTests.StartAsync(api, team, job, usd: 0.0000000001m);
        await ConsumptionTests.EndAsync(api, first, usd: 0.1m);
        var (_, third) = await ConsumptionTests.StartAsync(api, team, job, usd: 0.1m);

        Assert.Equal((FailureKind.LimitReached, "jobs.limit", "max_cost_usd"), (refused.Failure!.Kind, refused.Failure.Code, refused.Failure.Details!["limit"]));
        Assert.True(admitted.Value.IsBounded);
        Assert.Equal("jobs.limit", second.Failure?.Code);
        Assert.Null(third.Failure);
        Assert.Equal(2, await api.ScalarAsync<int>($"SELECT started_calls FROM jobs WHERE job_id = '{job}'"));
    }

    [Fact]
    public async Task Of_many_calls_at_once_no_more_start_than_the_job_may_make()
    {
        await using var one = new LedgerHarness(stores.Postgres, stores.Redis);
        await using var two = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await one.CreateTeamAsync(5);
        var job = (await one.OpenAsync(team, maxCalls: 3)).Value.JobId;

        var starts = await Task.WhenAll(Enumerable.Range(0, 10).Select(call => (call % 2 == 0 ? one : two).Ledger.StartCallAsync(LedgerHarness.Intent(team, job), default)));

        Assert.Equal(3, starts.Count(start => start.Failure is null));
        Assert.All(starts.Where(start => start.Failure is not null), start => Assert.Equal("max_calls", start.Failure!.Details!["limit"]));
    }

    private static async Task<(decimal Used, string Month)> MonthAsync(LedgerHarness api, string team) => (
        await api.ScalarAsync<decimal>($"SELECT month_used FROM team_credits WHERE team_id = '{team}'"),
        await api.ScalarAsync<string>($"SELECT month_start::text FROM team_credits WHERE team_id = '{team}'"));
}
