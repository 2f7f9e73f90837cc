using SaasLlm.Core.Data;
using StackExchange.Redis;

namespace SaasLlm.Core.Credits.Redis;

/// <summary>
/// Every call to Redis has its own limit, and after a few failures in a row none is made for a while: what Redis cannot
/// answer quickly, Postgres answers.
/// </summary>
internal sealed class RedisGuard(TimeProvider time, TimeSpan limit, TimeSpan rest, LedgerTelemetry telemetry)
{
    private const int FailuresMax = 3;
    private readonly Lock _gate = new();
    private int _failures;
    private DateTimeOffset _restUntil;

    /// <summary>The reply, or null when Redis is gone, too slow, or resting.</summary>
    /// <param name="what">For the metric, from a closed set.</param>
    public async Task<RedisResult?> TryAsync(string what, Func<Task<RedisResult>> call)
    {
        if (!MayTry())
        {
            telemetry.RedisMissed(what, "resting");
            return null;
        }

        try
        {
            // The client's async calls know no timeout, or queue while it is disconnected, depending on its version.
            var reply = await call().WaitAsync(limit, time);
            Succeeded();
            return reply;
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            // Redis forgot its scripts; the client loads them with the next call.
            telemetry.RedisMissed(what, "no_script");
            return null;
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException || StoreErrors.IsUnavailable(exception))
        {
            Failed();
            telemetry.RedisMissed(what, exception is TimeoutException ? "timeout" : "error");
            return null;
        }
    }

    private bool MayTry()
    {
        lock (_gate)
        {
            if (_failures < FailuresMax)
            {
                return true;
            }

            // One tries each time the rest is over; the others go on without Redis until it answered.
            var now = time.GetUtcNow();
            if (now < _restUntil)
            {
                return false;
            }

            _restUntil = now + rest;
            return true;
        }
    }

    private void Succeeded()
    {
        lock (_gate)
        {
            _failures = 0;
        }
    }

    private void Failed()
    {
        lock (_gate)
        {
            if (++_failures >= FailuresMax)
            {
                _restUntil = time.GetUtcNow() + rest;
            }
        }
    }
}
