using Npgsql;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.ModelGroups;

/// <summary>One kind of value by name, as memory ← Redis ← Postgres.</summary>
/// <param name="redisName">The value's name in Redis, with a hash tag.</param>
/// <param name="load">Reads it from Postgres; an empty text where there is none.</param>
/// <param name="parse">Makes the value of its text.</param>
internal sealed class GroupCache<T>(
    Func<string, string> redisName,
    Func<string, CancellationToken, Task<string>> load,
    Func<string, T> parse,
    LeasedRedisCache shared,
    ChangeFeed changes,
    TimeProvider time)
{
    private static readonly TimeSpan s_lifetime = TimeSpan.FromSeconds(10);

    private readonly BoundedCache<string, (T Value, long LoadedAt)> _memory = new(capacity: 10_000);

    /// <summary>The value of <paramref name="name"/>.</summary>
    /// <exception cref="NpgsqlException">Neither Redis nor Postgres answered.</exception>
    public async ValueTask<T> GetAsync(string name, CancellationToken cancellation)
    {
        if (_memory.TryGet(name, out var known) && changes.IsFresh(known.LoadedAt, s_lifetime))
        {
            return known.Value;
        }

        var version = _memory.Version;
        var askedAt = time.GetTimestamp();
        var lease = await shared.ReadAsync(redisName(name));
        var text = lease.Value;
        if (text is null)
        {
            text = await load(name, cancellation);
            await shared.FillAsync(redisName(name), lease, text);
        }

        var value = parse(text);
        _memory.Set(name, (value, askedAt), version);
        return value;
    }

    /// <summary>Forgets it in memory.</summary>
    public void Forget(string name) => _memory.Remove(name);

    /// <summary>Forgets all in memory.</summary>
    public void ForgetAll() => _memory.Clear();

    /// <summary>Forgets it in Redis; after the commit, before the notice goes out. False: Redis was not there.</summary>
    public ValueTask<bool> ForgetSharedAsync(string name) => shared.ForgetAsync(redisName(name));
}
