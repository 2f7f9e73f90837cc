using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Jobs;
using SaasLlm.Tests.Credits.Reconciliation;

namespace SaasLlm.Tests.Credits;

/// <summary>Thousands of random jobs from four replicas, with all that can happen to them: the books balance, and Redis agrees.</summary>
public sealed class LedgerStormTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private const int Callers = 48;
    private const int Rounds = 45;

    [Theory]
    [InlineData(3)]
    [InlineData(150)]
    public async Task The_books_balance_and_Redis_agrees(int teamCount)
    {
        var seed = Environment.TickCount;
        LedgerHarness[] replicas = [Ledger(), Ledger(), Ledger(), Ledger()];
        try
        {
            var teams = await Task.WhenAll(Enumerable.Range(0, teamCount).Select(number => WarmTeamAsync(replicas[0], 5 + (number % 7 * 20))));

            var jobs = (await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => CallAsync(replicas, teams, new(seed + caller))))).Sum();

            Assert.True(jobs > Callers * Rounds / 4, $"seed {seed}: only {jobs} jobs");
            Assert.True((await replicas[0].MismatchesAsync()).Count == 0, $"seed {seed}");
            Assert.Equal(0m, await replicas[0].ScalarAsync<decimal>($"SELECT sum(held) FROM team_credits WHERE team_id = ANY ('{{{string.Join(',', teams)}}}')"));
            foreach (var team in teams)
            {
                await replicas[0].HeardAsync(team);
            }

            await using var runner = new ReconciliationBench(replicas[0]);
            var (books, redis) = await runner.CheckAsync(teams);
            Assert.Empty(books);
            Assert.Empty(redis.Found);
            Assert.Equal(0, redis.Skipped);
        }
        finally
        {
            foreach (var replica in replicas)
            {
                await replica.DisposeAsync();
            }
        }
    }

    private static async Task<int> CallAsync(LedgerHarness[] replicas, string[] teams, Random random)
    {
        var jobs = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var (api, other) = (replicas[random.Next(replicas.Length)], replicas[random.Next(replicas.Length)]);
            var team = teams[random.Next(teams.Length)];
            switch (random.Next(20))
            {
                case 0:
                    await api.AddAsync(team, random.Next(1, 6_000_000) / 1_000_000m);
                    break;
                case 1:
                    await api.Ledger.AdjustCreditsAsync(new(TransactionId.New(TimeProvider.System), team, random.Next(-3, 3), "storm"), default);
                    break;
                case 2:
                    var terms = new LotTerms(LotSource.Promotion, Priority: 0, ExpiresAt: TimeProvider.System.GetUtcNow().AddSeconds(1));
                    await api.Ledger.AddCreditsAsync(new(TransactionId.New(TimeProvider.System), team, 2, "storm", terms), default);
                    break;
                case 3:
                    await api.Ledger.ExpireLotsAsync(team, default);
                    break;
                default:
                    jobs += await JobAsync(api, other, team, random) ? 1 : 0;
                    break;
            }
        }

        return jobs;
    }

    private static async Task<bool> JobAsync(LedgerHarness api, LedgerHarness other, string team, Random random)
    {
        if (!(await api.OpenAsync(team)).TryGet(out var job, out var refusal))
        {
            Assert.Equal("credits.insufficient", refusal.Code);
            return false;
        }

        if (random.Next(2) == 0)
        {
            await other.EndAsync(await api.StartAsync(team, job.JobId), random.Next(4) == 0 ? "llm.all_models_failed" : null);
        }

        var status = random.Next(3) switch { 0 => JobStatus.Failed, 1 => JobStatus.Cancelled, _ => JobStatus.Completed };
        var ends = await Task.WhenAll(api.CloseAsync(team, job.JobId), other.CloseAsync(team, job.JobId, status));
        if (ends.Any(end => end.Failure is null && end.Value.CreditApplied) && random.Next(3) == 0)
        {
            await Task.WhenAll(
                api.Ledger.RefundJobAsync(new(TransactionId.New(TimeProvider.System), team, job.JobId, 0.4m, "storm"), default),
                other.Ledger.RefundJobAsync(new(TransactionId.New(TimeProvider.System), team, job.JobId, 0.7m, "storm"), default));
        }

        return true;
    }

    // A cold team's first balance may be a version old, and then nothing is under way that says so.
    private static async Task<string> WarmTeamAsync(LedgerHarness api, decimal credits)
    {
        var team = await api.CreateTeamAsync(credits);
        await api.CloseAsync(team, await api.OpenedAsync(team), JobStatus.Cancelled);
        return team;
    }

    private LedgerHarness Ledger() => new(stores.Postgres, stores.Redis);
}
