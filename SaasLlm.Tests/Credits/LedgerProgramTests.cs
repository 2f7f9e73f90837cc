using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits;

/// <summary>Random programs of commands on the real ledger and on a model of ten lines: the two never differ.</summary>
public sealed class LedgerProgramTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_ledger_agrees_with_a_ten_line_model(bool withRedis)
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        await using var api = new LedgerHarness(stores.Postgres, withRedis ? stores.Redis : null);
        var team = await api.CreateTeamAsync(3);
        decimal allocated = 3, used = 0, held = 0;
        List<(JobId Id, string Status)> jobs = [];
        for (var step = 0; step < 300; step++)
        {
            var story = $"seed {seed}, step {step}";
            switch (random.Next(10))
            {
                case < 4:
                    var opened = await api.OpenAsync(team);
                    Check(allocated - used - held >= 1 ? null : "credits.insufficient", opened.Failure);
                    if (opened.TryGet(out var job, out _))
                    {
                        held++;
                        jobs.Add((job.JobId, JobStatus.Pending));
                    }

                    break;
                case < 9 when jobs.Count > 0:
                    var index = random.Next(jobs.Count);
                    var status = random.Next(3) switch { 0 => JobStatus.Completed, 1 => JobStatus.Failed, _ => JobStatus.Cancelled };
                    var closed = await api.CloseAsync(team, jobs[index].Id, status);
                    Check(jobs[index].Status is JobStatus.Pending || jobs[index].Status == status ? null : "job.ended", closed.Failure);
                    if (jobs[index].Status is JobStatus.Pending)
                    {
                        held--;
                        used += status == JobStatus.Completed ? 1 : 0;
                        jobs[index] = (jobs[index].Id, status);
                    }

                    break;
                default:
                    var amount = random.Next(1, 3_000_000) / 1_000_000m;
                    await api.AddAsync(team, amount);
                    allocated += amount;
                    break;
            }

            Assert.True((allocated, used, held) == await api.AccountAsync(team), story);

            void Check(string? expected, Failure? actual) => Assert.True(expected == actual?.Code, $"{story}: {expected} against {actual?.Code}");
        }

        Assert.Empty(await api.MismatchesAsync());
    }

    // Many at once, on two replicas, with everything that can race: whatever the order was, the books balance.
    [Fact]
    public async Task The_books_balance_after_a_storm()
    {
        var seed = Environment.TickCount;
        await using var one = new LedgerHarness(stores.Postgres, stores.Redis);
        await using var two = new LedgerHarness(stores.Postgres, stores.Redis);
        string[] teams = [await one.CreateTeamAsync(20), await one.CreateTeamAsync(2), await one.CreateTeamAsync(1000)];

        var charged = await Task.WhenAll(Enumerable.Range(0, 32).Select(async caller =>
        {
            var random = new Random(seed + caller);
            var sum = 0m;
            for (var round = 0; round < 25; round++)
            {
                var (api, team) = (random.Next(2) == 0 ? one : two, teams[random.Next(teams.Length)]);
                if (!(await api.OpenAsync(team)).TryGet(out var job, out _))
                {
                    continue;
                }

                if (random.Next(2) == 0)
                {
                    await api.EndAsync(await api.StartAsync(team, job.JobId), random.Next(4) == 0 ? "llm.all_models_failed" : null);
                }

                var ends = await Task.WhenAll(
                    one.CloseAsync(team, job.JobId), two.CloseAsync(team, job.JobId, random.Next(2) == 0 ? JobStatus.Completed : JobStatus.Failed));
                sum += ends.Where(end => end.Failure is null).Max(end => end.Value.CreditsCharged);
            }

            return sum;
        }));

        Assert.True((await one.MismatchesAsync()).Count == 0, $"seed {seed}");
        var accounts = await Task.WhenAll(teams.Select(one.AccountAsync));
        Assert.All(accounts, account => Assert.Equal(0, account.Held));
        Assert.Equal(charged.Sum(), accounts.Sum(account => account.Used));
        // Quiet now: Redis says what Postgres says.
        await Task.Delay(50);
        foreach (var (team, account) in teams.Zip(accounts))
        {
            var left = (int)(account.Allocated - account.Used);
            var opened = await Task.WhenAll(Enumerable.Range(0, Math.Min(left, 20) + 5).Select(_ => one.OpenAsync(team)));
            Assert.Equal(Math.Min(left, Math.Min(left, 20) + 5), opened.Count(open => open.Failure is null));
        }
    }
}
