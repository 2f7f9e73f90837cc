using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits;

/// <summary>Teams that pay by what they use: holds grow before each call, and the end charges what was used, rounded up.</summary>
public sealed class ConsumptionTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private static readonly BudgetTerms s_dollars = BudgetTerms.Default with { Mode = BudgetMode.ConsumptionUsd };

    [Fact]
    public async Task Opening_holds_one_increment_whatever_the_jobs_type_costs_elsewhere()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await TeamAsync(api, 10, s_dollars with { Increment = 2.5m });

        var opened = (await api.Ledger.OpenJobAsync(Open(team) with { Price = 7 }, default)).Value;

        Assert.Equal(2.5m, opened.HeldCredits);
        Assert.Equal((10m, 0m, 2.5m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task The_hold_covers_what_is_settled_and_the_running_calls_and_settles_to_real_usage_rounded_up_once()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await TeamAsync(api, 100, s_dollars with { MarkupPercent = 20 });
        var job = (await api.Ledger.OpenJobAsync(Open(team), default)).Value.JobId;

        // 0.5 USD and 20 % are 6 credits; with a second one 12, until the first one's real 0.11 USD (1.32 credits) is known.
        var (first, one) = await StartAsync(api, team, job, usd: 0.5m);
        Assert.True(one.Value.IsBounded);
        Assert.Equal(6m, (await api.AccountAsync(team)).Held);
        var (second, _) = await StartAsync(api, team, job, usd: 0.5m);
        Assert.Equal(12m, (await api.AccountAsync(team)).Held);
        await EndAsync(api, first, usd: 0.132m);
        var (third, _) = await StartAsync(api, team, job, usd: 0.5m);
        Assert.Equal(14m, (await api.AccountAsync(team)).Held);
        await EndAsync(api, second, usd: 0.132m);
        await EndAsync(api, third, usd: 0.0000001m);

        var closed = (await api.CloseAsync(team, job)).Value;

        Assert.Equal((true, 3m, 0m, 97m), (closed.CreditApplied, closed.CreditsCharged, closed.UncollectedCredits, closed.CreditsRemaining));
        Assert.Equal((100m, 3m, 0m), await api.AccountAsync(team));
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task Tokens_are_counted_of_successful_calls_only()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await TeamAsync(api, 100, BudgetTerms.Default with { Mode = BudgetMode.ConsumptionTokens, TokensPerCredit = 10, Increment = 0.5m });
        var job = (await api.Ledger.OpenJobAsync(Open(team), default)).Value.JobId;
        var call = await api.StartAsync(team, job);
        var failed = await api.StartAsync(team, job);

        await api.EndAsync(call);
        await api.Ledger.EndCallAsync(LedgerHarness.End(failed, "llm.all_models_failed") with { Usage = default, ClientCostUsd = null }, default);

        // 10 + 5 tokens at 10 a credit: 1.5 credits.
        Assert.Equal(1.5m, (await api.CloseAsync(team, job)).Value.CreditsCharged);
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task Of_two_calls_at_once_on_the_last_credits_one_is_refused_and_the_job_stays_open()
    {
        await using var one = new LedgerHarness(stores.Postgres, stores.Redis);
        await using var two = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await TeamAsync(one, 5, s_dollars);
        for (var round = 0; round < 5; round++)
        {
            var job = (await one.Ledger.OpenJobAsync(Open(team), default)).Value.JobId;

            var starts = await Task.WhenAll(StartAsync(one, team, job, usd: 0.3m), StartAsync(two, team, job, usd: 0.3m));

            var refused = Assert.Single(starts, start => start.Answer.Failure is not null).Answer.Failure!;
            Assert.Equal((FailureKind.InsufficientCredits, "credits.insufficient"), (refused.Kind, refused.Code));
            Assert.Equal((2m, 3m, 3m), ((decimal)refused.Details!["available"]!, (decimal)refused.Details["held"]!, (decimal)refused.Details["needed"]!));
            Assert.Equal((5m, 0m, 3m), await one.AccountAsync(team));
            Assert.Equal(JobStatus.InProgress, await one.ScalarAsync<string>($"SELECT status FROM jobs WHERE job_id = '{job}'"));
            Assert.Null((await one.CloseAsync(team, job, JobStatus.Cancelled)).Failure);
        }

        Assert.Empty(await one.MismatchesAsync());
    }

    [Fact]
    public async Task What_is_used_beyond_hold_and_balance_is_uncollected_and_the_job_stays_completed()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await TeamAsync(api, 2.25m, s_dollars);
        var job = (await api.Ledger.OpenJobAsync(Open(team), default)).Value.JobId;
        var (call, _) = await StartAsync(api, team, job, usd: 0.1m);
        await EndAsync(api, call, usd: 0.5m);

        var closed = (await api.CloseAsync(team, job)).Value;
        var again = (await api.CloseAsync(team, job)).Value;

        Assert.Equal((JobStatus.Completed, 2.25m, 2.75m, 0m), (closed.Status, closed.CreditsCharged, closed.UncollectedCredits, closed.CreditsRemaining));
        Assert.Equal(closed with { CompletedAt = default }, again with { CompletedAt = default });
        Assert.Equal((2.25m, 2.25m, 0m), await api.AccountAsync(team));
        Assert.Equal("2.75", await api.ScalarAsync<string>($"SELECT payload ->> 'uncollected_credits' FROM outbox WHERE team_id = '{team}' AND topic = 'job.uncollected'"));
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task A_job_without_a_call_and_one_whose_calls_failed_cost_nothing()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await TeamAsync(api, 5, s_dollars);
        var (idle, failed) = ((await api.Ledger.OpenJobAsync(Open(team), default)).Value.JobId, (await api.Ledger.OpenJobAsync(Open(team), default)).Value.JobId);
        var (call, _) = await StartAsync(api, team, failed, usd: 0.1m);
        await api.Ledger.EndCallAsync(LedgerHarness.End(call, "llm.all_models_failed") with { Usage = default, ClientCostUsd = null }, default);

        Assert.Equal((false, "no_call"), ((await api.CloseAsync(team, idle)).Value is var a ? (a.CreditApplied, a.CreditReason) : default));
        Assert.Equal((false, "no_successful_call"), ((await api.CloseAsync(team, failed)).Value is var b ? (b.CreditApplied, b.CreditReason) : default));
        Assert.Equal((5m, 0m, 0m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task A_job_keeps_the_terms_that_it_opened_with()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await TeamAsync(api, 50, s_dollars);
        var job = (await api.Ledger.OpenJobAsync(Open(team), default)).Value.JobId;
        await api.Ledger.ConfigureAccountAsync(new(team, BudgetTerms.Default with { CreditsPerJob = 9, MarkupPercent = 90 }), default);

        var (call, started) = await StartAsync(api, team, job, usd: 0.2m);
        await EndAsync(api, call, usd: 0.35m);

        Assert.Equal(0, started.Value.MarkupPercent);
        Assert.Equal(4m, (await api.CloseAsync(team, job)).Value.CreditsCharged);
        Assert.Equal(9m, (await api.Ledger.OpenJobAsync(Open(team), default)).Value.HeldCredits);
    }

    // Closing it as failed in time is no free lunch: the cost of the call that runs on is counted.
    [Fact]
    public async Task What_jobs_cost_that_were_not_charged_is_totalled_and_an_event_says_when_it_passes_the_threshold()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await TeamAsync(api, 50, s_dollars);
        await api.Ledger.ConfigureAccountAsync(new(team, Thresholds: new([], new(0.5m))), default);
        var job = (await api.Ledger.OpenJobAsync(Open(team), default)).Value.JobId;
        var (ended, _) = await StartAsync(api, team, job, usd: 0.1m);
        var (late, _) = await StartAsync(api, team, job, usd: 0.1m);
        await EndAsync(api, ended, usd: 0.4m);

        await api.CloseAsync(team, job, JobStatus.Failed);
        Assert.Equal((0.4m, 0L), await UnchargedAsync());
        var answers = await Task.WhenAll(EndAsync(api, late, usd: 0.3m), EndAsync(api, late, usd: 0.3m));

        Assert.Equal(["", "job.ended"], answers.Select(answer => answer.Failure?.Code ?? "").Order(StringComparer.Ordinal));
        Assert.Equal((0.7m, 1L), await UnchargedAsync());
        Assert.Equal((50m, 0m, 0m), await api.AccountAsync(team));

        async Task<(decimal, long)> UnchargedAsync() => (
            await api.ScalarAsync<decimal>($"SELECT month_uncharged_usd FROM team_credits WHERE team_id = '{team}'"),
            await api.ScalarAsync<long>($"SELECT count(*) FROM outbox WHERE team_id = '{team}' AND topic = 'team.uncharged_cost'"));
    }

    internal static OpenJob Open(string team)
        => new(JobId.New(TimeProvider.System), team, "test", null, null, "{}", TimeSpan.FromHours(1), 100);

    internal static async Task<string> TeamAsync(LedgerHarness api, decimal credits, BudgetTerms terms)
    {
        var team = await api.CreateTeamAsync(credits);
        Assert.Null((await api.Ledger.ConfigureAccountAsync(new(team, terms), default)).Failure);
        return team;
    }

    internal static async Task<(StartCall Call, Result<StartedCall> Answer)> StartAsync(LedgerHarness api, string team, JobId job, decimal usd)
    {
        var intent = LedgerHarness.Intent(team, job);
        var call = intent with { Attempt = intent.Attempt with { Estimate = new(1000, usd) } };
        return (call, await api.Ledger.StartCallAsync(call, default));
    }

    internal static Task<Result<Accepted>> EndAsync(LedgerHarness api, StartCall call, decimal usd)
        => api.Ledger.EndCallAsync(LedgerHarness.End(call) with { ProviderCostUsd = usd, ClientCostUsd = usd }, default);
}
