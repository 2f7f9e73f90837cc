using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Credits.Rules;
using StackExchange.Redis;

namespace SaasLlm.Tests.Credits;

/// <summary>
/// Random programs of the scripts against a model of the account: pushes come in any order or not at all, seeds are late, Redis is
/// emptied. What it counts as set aside never drifts from its reservations, and once all is quiet it says what the account says.
/// </summary>
public sealed class RedisScriptProgramTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private static readonly DateTimeOffset s_later = TimeProvider.System.GetUtcNow().AddHours(1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Redis_agrees_once_quiet(bool withLosses)
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var sweeper = new RedisSweeper(api.Redis);
        for (var program = 0; program < 30; program++)
        {
            var seed = Environment.TickCount + program;
            await RunAsync(api, sweeper, new(seed), withLosses, $"seed {seed}, losses {withLosses}");
        }
    }

    private static async Task RunAsync(LedgerHarness api, RedisSweeper sweeper, Random random, bool withLosses, string story)
    {
        var account = new Account($"team_{Guid.NewGuid():N}", 20);
        List<BalancePush> underWay = [];
        List<JobId> reserved = [];
        var snapshot = account.Read();
        await api.Redis.SeedAsync(snapshot);
        for (var step = 0; step < 60; step++)
        {
            switch (random.Next(withLosses ? 12 : 9))
            {
                case < 2:
                    var job = JobId.New(TimeProvider.System);
                    var reply = await api.Redis.ReserveAsync(account.Team, job, null, TimeSpan.FromHours(1));
                    if (reply.Status is ReserveStatus.Held)
                    {
                        reserved.Add(job);
                    }
                    else if (reply.Status is ReserveStatus.Cold)
                    {
                        await api.Redis.SeedAsync(account.Read());
                    }

                    break;
                case 2 when reserved.Count > 0:
                    await api.Redis.ReleaseAsync(account.Team, Take(random, reserved));
                    break;
                case < 5 when reserved.Count > 0 && account.Available > 0:
                    underWay.Add(account.Commit(Take(random, reserved), null));
                    break;
                case 5 when account.Open.Count > 0:
                    underWay.Add(account.Commit(null, account.Open[random.Next(account.Open.Count)]));
                    break;
                case 6:
                    // Read earlier, and brought only now.
                    await api.Redis.SeedAsync(snapshot);
                    snapshot = account.Read();
                    break;
                case < 9 when underWay.Count > 0:
                    await api.Redis.PushAsync(Take(random, underWay));
                    break;
                case 9 when underWay.Count > 0:
                    Take(random, underWay);
                    break;
                case 10:
                    await api.RedisDatabase.KeyDeleteAsync(account.Keys);
                    break;
                case 11:
                    // Evicted under memory pressure: one key without the others.
                    await api.RedisDatabase.KeyDeleteAsync(account.Keys[0]);
                    break;
            }

            await HoldsAsync(sweeper, account, story);
        }

        foreach (var push in underWay.OrderBy(_ => random.Next()))
        {
            await api.Redis.PushAsync(push);
        }

        foreach (var job in reserved)
        {
            await api.Redis.ReleaseAsync(account.Team, job);
        }

        if (withLosses)
        {
            await api.Redis.SeedAsync(account.Read());
            // Where both pushes of a job were lost, its reservation ends with its lease; here, at once.
            foreach (var job in account.Ended)
            {
                await api.Redis.ReleaseAsync(account.Team, job);
            }
        }

        var quiet = (await sweeper.InspectAsync(account.Team)).View!;
        Assert.True((account.Version, 0L, account.Available, 0m) == (quiet.Version, quiet.Missing, quiet.Available, quiet.Pending), $"{story}: {quiet}");
        Assert.True(quiet.Contained.All(account.Open.Contains), $"{story}: a hold that is not open");
    }

    private static async Task HoldsAsync(RedisSweeper sweeper, Account account, string story)
    {
        var (isAnswered, view) = await sweeper.InspectAsync(account.Team);
        Assert.True(isAnswered, story);
        if (view is not null)
        {
            Assert.True(view.Pending == view.Reserved, $"{story}: {view}");
            Assert.True(view.Pending >= 0 && view.Missing >= 0, $"{story}: {view}");
            Assert.True(view.Available == account.AvailableAt(view.Version), $"{story}: {view}");
        }
    }

    private static T Take<T>(Random random, List<T> items)
    {
        var index = random.Next(items.Count);
        var item = items[index];
        items.RemoveAt(index);
        return item;
    }

    /// <summary>What Postgres would have: a job costs 1.</summary>
    private sealed class Account(string team, decimal credits)
    {
        private readonly List<decimal> _history = [credits];

        public string Team => team;

        public long Version => _history.Count - 1;

        public decimal Available => _history[^1];

        public List<JobId> Open { get; } = [];

        public List<JobId> Ended { get; } = [];

        public RedisKey[] Keys => [Key("balance"), Key("holds"), Key("amounts"), Key("pending")];

        public decimal AvailableAt(long version) => _history[(int)version];

        public BalancePush Read() => Push(Version, Open, []);

        public BalancePush Commit(JobId? opened, JobId? ended)
        {
            _history.Add(Available + (opened is null ? 0 : -1) + (ended is null ? 0 : 1));
            if (opened is { } job)
            {
                Open.Add(job);
            }

            if (ended is { } over)
            {
                Open.Remove(over);
                Ended.Add(over);
            }

            return Push(Version - 1, opened is { } one ? [one] : [], ended is { } other ? [other] : []);
        }

        private RedisKey Key(string name) => $"{{team:{team}}}:{name}";

        private BalancePush Push(long from, IEnumerable<JobId> opened, JobId[] ended) => new(
            team, from, Version, credits, 0, credits - Available, 1, true, [.. opened.Select(job => new HoldView(job, 1, s_later))], ended);
    }
}
