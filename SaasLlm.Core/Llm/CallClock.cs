namespace SaasLlm.Core.Llm;

/// <summary>How a call's time is spent: waiting for the gateway, or here. May be read while the call runs.</summary>
public sealed class CallClock(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly long _begunAt = time.GetTimestamp();
    private TimeSpan _upstream;
    private long? _sentAt;

    /// <summary>Until now. Upstream is the time from sending an attempt until its answer was whole, of all attempts; overhead is the rest.</summary>
    public (TimeSpan Upstream, TimeSpan Overhead) Read()
    {
        lock (_gate)
        {
            var upstream = _upstream + (_sentAt is { } sentAt ? time.GetElapsedTime(sentAt) : TimeSpan.Zero);
            var overhead = time.GetElapsedTime(_begunAt) - upstream;
            return (upstream, overhead > TimeSpan.Zero ? overhead : TimeSpan.Zero);
        }
    }

    /// <summary>An attempt goes out.</summary>
    internal void Sent()
    {
        lock (_gate)
        {
            _sentAt = time.GetTimestamp();
        }
    }

    /// <summary>Its answer is here, or it failed.</summary>
    internal void Answered()
    {
        lock (_gate)
        {
            _upstream += _sentAt is { } sentAt ? time.GetElapsedTime(sentAt) : TimeSpan.Zero;
            _sentAt = null;
        }
    }
}
