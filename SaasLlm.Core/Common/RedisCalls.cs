using StackExchange.Redis;

namespace SaasLlm.Core.Common;

/// <summary>
/// Calls to Redis that may fail: each has its own limit, and after a failure Redis is left alone for a moment, so that a
/// slow Redis costs one caller 250 ms and not every caller.
/// </summary>
public sealed class RedisCalls(IConnectionMultiplexer redis, TimeProvider time)
{
    private static readonly TimeSpan s_callMax = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(500);

    private long _failedAt;

    /// <summary>The answer, or <paramref name="otherwise"/> when Redis did not give one in time.</summary>
    public async ValueTask<T> TryAsync<T>(Func<IDatabase, Task<T>> call, T otherwise)
    {
        var failedAt = Volatile.Read(ref _failedAt);
        if (failedAt != 0 && time.GetElapsedTime(failedAt) < s_rest)
        {
            return otherwise;
        }

        try
        {
            return await call(redis.GetDatabase()).WaitAsync(s_callMax, time);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException)
        {
            Volatile.Write(ref _failedAt, time.GetTimestamp());
            return otherwise;
        }
    }
}
