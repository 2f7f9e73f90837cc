using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits;

/// <summary>Opening jobs, many at once, never promises more than the balance, and refuses no one it could have admitted.</summary>
public sealed class LedgerAdmissionTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task Twenty_parallel_opens_on_a_balance_of_five_admit_exactly_five()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);

        var opened = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => api.OpenAsync(team)));

        Assert.Equal(5, opened.Count(o => o.Failure is null));
        Assert.Equal(15, opened.Count(o => o.Failure?.Code == "credits.insufficient"));
        Assert.Equal((5m, 0m, 5m), await api.AccountAsync(team));
        Assert.Empty(await api.MismatchesAsync());
    }

    [Fact]
    public async Task Without_Redis_Postgres_decides_alone_and_admits_exactly_five()
    {
        await using var api = new LedgerHarness(stores.Postgres, null);
        var team = await api.CreateTeamAsync(5);

        var opened = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => api.OpenAsync(team)));

        Assert.Equal(5, opened.Count(o => o.Failure is null));
        Assert.Equal(15, opened.Count(o => o.Failure?.Code == "credits.insufficient"));
        Assert.Equal((5m, 0m, 5m), await api.AccountAsync(team));
    }

    // Pushes of two replicas overtake each other; a hold must then not be subtracted twice.
    [Fact]
    public async Task Two_replicas_admit_exactly_what_the_balance_covers()
    {
        await using var one = new LedgerHarness(stores.Postgres, stores.Redis);
        await using var two = new LedgerHarness(stores.Postgres, stores.Redis);
        for (var round = 0; round < 10; round++)
        {
            var team = await one.CreateTeamAsync(10);

            var opened = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => (i % 2 == 0 ? one : two).OpenAsync(team)));

            Assert.Equal(10, opened.Count(o => o.Failure is null));
            Assert.Equal((10m, 0m, 10m), await one.AccountAsync(team));
        }
    }

    // Stigg's published example.
    [Fact]
    public async Task Twenty_requests_of_75_on_a_balance_of_500_are_granted_six_times()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(500, price: 75);

        var opened = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => api.OpenAsync(team)));

        Assert.Equal(6, opened.Count(o => o.Failure is null));
        Assert.Equal((500m, 0m, 450m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task Cancelled_credits_are_there_for_the_next_request()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(1);

        for (var round = 0; round < 20; round++)
        {
            var job = await api.OpenedAsync(team);
            Assert.Equal("credits.insufficient", (await api.OpenAsync(team)).Failure?.Code);
            Assert.Null((await api.CloseAsync(team, job, JobStatus.Cancelled)).Failure);
        }

        Assert.Equal((1m, 0m, 0m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task Added_credits_are_there_for_the_next_request()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(0);
        Assert.Equal("credits.insufficient", (await api.OpenAsync(team)).Failure?.Code);

        await api.AddAsync(team, 2);

        Assert.Null((await api.OpenAsync(team)).Failure);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_402_explains_itself(bool withRedis)
    {
        await using var api = new LedgerHarness(stores.Postgres, withRedis ? stores.Redis : null);
        var team = await api.CreateTeamAsync(5, price: 2);
        var later = (await api.OpenAsync(team, lifetime: TimeSpan.FromHours(2))).Value;
        var sooner = (await api.OpenAsync(team, lifetime: TimeSpan.FromMinutes(10))).Value;

        if (withRedis)
        {
            // Until its push arrives, Redis has its own word on when a hold ends.
            await api.HeardAsync(team);
        }

        var refusal = (await api.OpenAsync(team)).Failure!;

        Assert.Equal(FailureKind.InsufficientCredits, refusal.Kind);
        Assert.Equal("credits.insufficient", refusal.Code);
        var details = refusal.Details!;
        Assert.Equal(1m, details["available"]);
        Assert.Equal(4m, details["held"]);
        Assert.Equal(2m, details["needed"]);
        Assert.Equal(5m, details["allocated"]);
        Assert.Equal(0m, details["used"]);
        Assert.Equal(0L, details["admits_now"]);
        var holds = Assert.IsType<Dictionary<string, object?>[]>(details["holds"]);
        Assert.Equal([sooner.JobId.Value, later.JobId.Value], holds.Select(hold => hold["job_id"]));
        Assert.All(holds, hold => Assert.Equal(2m, hold["credits"]));
        var release = Assert.IsType<DateTimeOffset>(details["earliest_release_at"]);
        Assert.InRange((release - sooner.DeadlineAt).TotalMilliseconds, -2, 2);
    }

    [Fact]
    public async Task The_monthly_limit_counts_what_is_held()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(100, limit: 3);
        var first = await api.OpenedAsync(team);
        Assert.Null((await api.CloseAsync(team, first)).Failure);
        await api.OpenedAsync(team);
        await api.OpenedAsync(team);

        var refusal = (await api.OpenAsync(team)).Failure!;

        Assert.Equal("credits.limit", refusal.Code);
        Assert.Equal(3m, refusal.Details!["credit_limit"]);
        Assert.Equal(1m, refusal.Details["month_used"]);
        Assert.Equal(0L, refusal.Details["admits_now"]);
    }

    [Fact]
    public async Task An_unknown_team_is_not_found_and_a_suspended_one_refused()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = await api.OpenedAsync(team);
        var other = await api.OpenedAsync(team);
        await api.ExecuteAsync($"UPDATE teams SET status = 'suspended' WHERE team_id = '{team}'");

        Assert.Equal("team.not_found", (await api.OpenAsync("nobody")).Failure?.Code);
        Assert.Equal("team.suspended", (await api.OpenAsync(team)).Failure?.Code);
        Assert.Equal("team.suspended", (await api.Ledger.StartCallAsync(LedgerHarness.Intent(team, job), default)).Failure?.Code);
        Assert.True((await api.CloseAsync(team, job)).Value.CreditApplied);
        Assert.Null((await api.CloseAsync(team, other, JobStatus.Cancelled)).Failure);
        Assert.Equal((5m, 1m, 0m), await api.AccountAsync(team));
    }

    // The same command twice: its first answer was lost.
    [Fact]
    public async Task A_repeated_open_is_the_same_job()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var id = JobId.New(TimeProvider.System);

        var first = (await api.OpenAsync(team, id)).Value;
        var second = (await api.OpenAsync(team, id)).Value;

        Assert.Equal(first with { CreatedAt = second.CreatedAt, DeadlineAt = second.DeadlineAt }, second);
        Assert.Equal((5m, 0m, 1m), await api.AccountAsync(team));
    }

    [Fact]
    public async Task A_repeated_top_up_is_posted_once()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(0);
        var command = new AddCredits(TransactionId.New(TimeProvider.System), team, 2.5m, "paid", new(LotSource.Purchase));

        var posted = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => api.Ledger.AddCreditsAsync(command, default)));

        Assert.All(posted, one => Assert.Equal((1L, 0m, 2.5m), (one.Value.Sequence, one.Value.CreditsBefore, one.Value.CreditsAfter)));
        Assert.Equal((2.5m, 0m, 0m), await api.AccountAsync(team));
        Assert.Equal(1L, await api.ScalarAsync<long>($"SELECT count(*) FROM outbox WHERE team_id = '{team}' AND topic = 'credits.added'"));
    }
}
