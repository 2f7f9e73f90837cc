using System.Collections.Concurrent;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using StackExchange.Redis;

namespace SaasLlm.Core.ModelGroups;

/// <summary>
/// Values that replicas share in Redis, filled from Postgres. A reader that misses takes the key's epoch before it reads Postgres and stores
/// only if the epoch is still the same; a change sets a new epoch. So a slow fill cannot put an old value over a newer one.
/// </summary>
/// <param name="isTrusted">
/// False while Redis may hold what a change should have removed, because the change did not reach it. What is read from Postgres meanwhile
/// is stored all the same, over the old value.
/// </param>
internal sealed class LeasedRedisCache(RedisCalls redis, TimeProvider time, Func<bool> isTrusted)
{
    /// <summary>How long Redis keeps a value. What is there this long after a break was stored after it.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(10);

    // Longer than any fill takes.
    private static readonly TimeSpan s_epochLifetime = TimeSpan.FromMinutes(10);
    private static readonly string s_fill = EmbeddedText.Read("SaasLlm.Core.ModelGroups.fill_if_epoch.lua");
    private static readonly string s_forget = EmbeddedText.Read("SaasLlm.Core.ModelGroups.forget.lua");

    // Keys whose change Redis has not heard of.
    private readonly ConcurrentDictionary<string, byte> _owed = new();

    /// <summary>What Redis holds under <paramref name="name"/>.</summary>
    /// <param name="name">With a hash tag, for example <c>{group:ResumeAgent}</c>.</param>
    public async ValueTask<Lease> ReadAsync(string name)
    {
        if (!_owed.IsEmpty)
        {
            await PayAsync();
        }

        if (_owed.ContainsKey(name))
        {
            return default;
        }

        var values = await redis.TryAsync<RedisValue[]?>(async db => await db.StringGetAsync([ValueKey(name), EpochKey(name)]), null);
        return values is null ? default : new(isTrusted() ? (string?)values[0] : null, (string?)values[1] ?? "", IsThere: true);
    }

    /// <summary>Stores what was read from Postgres after <paramref name="lease"/> was taken.</summary>
    public async ValueTask FillAsync(string name, Lease lease, string value)
    {
        if (lease.IsThere)
        {
            await redis.TryAsync<RedisResult?>(
                async db => await db.ScriptEvaluateAsync(
                    s_fill, [ValueKey(name), EpochKey(name)], [lease.Epoch, value, (long)Lifetime.TotalMilliseconds]),
                null);
        }
    }

    /// <summary>Forgets a value after its change was committed. False: Redis was not there, and is told later.</summary>
    public async ValueTask<bool> ForgetAsync(string name)
    {
        _owed[name] = 0;
        var isDone = await redis.TryAsync(
            async db =>
            {
                await db.ScriptEvaluateAsync(
                    s_forget, [ValueKey(name), EpochKey(name)], [Uuid7.New(time).ToString("N"), (long)s_epochLifetime.TotalMilliseconds]);
                return true;
            },
            false);
        if (isDone)
        {
            _owed.TryRemove(name, out _);
        }

        return isDone;
    }

    /// <summary>Tells Redis what it missed. False: it is not there yet.</summary>
    public async ValueTask<bool> PayAsync()
    {
        foreach (var name in _owed.Keys)
        {
            if (!await ForgetAsync(name))
            {
                return false;
            }
        }

        return true;
    }

    private static RedisKey ValueKey(string name) => name + ":value";

    private static RedisKey EpochKey(string name) => name + ":epoch";

    /// <param name="IsThere">False when Redis did not answer: then nothing is stored either.</param>
    public readonly record struct Lease(string? Value, string Epoch, bool IsThere);
}
