using SaasLlm.Core.Common;

namespace SaasLlm.Core.Llm;

/// <summary>How far a call came, and how its time is spent: waiting for the gateway, or here. May be read while the call runs.</summary>
/// <param name="begunAt">A timestamp of <paramref name="time"/>: since when the call costs time here; null is from now on.</param>
public sealed class CallClock(TimeProvider time, long? begunAt = null)
{
    private readonly Lock _gate = new();
    private readonly long _begunAt = begunAt ?? time.GetTimestamp();
    private TimeSpan _upstream;
    private long? _sentAt;
    private volatile bool _hasBegun;
    private volatile bool _wasSent;

    /// <summary>The call's id; null while it is not planned.</summary>
    public CallId? CallId { get; internal set; }

    /// <summary>The ledger let the call begin, or may have: a job that was to open with it is there.</summary>
    public bool HasBegun => _hasBegun;

    /// <summary>
    /// Until now. Upstream is the time from sending an attempt until its answer was whole, of all attempts; overhead is the rest. Of a request
    /// that is everything since its headers arrived (access, binding, the stores), but not the waits for its body;
    /// the wait for an earlier request of the same Idempotency-Key is in it.
    /// </summary>
    public (TimeSpan Upstream, TimeSpan Overhead) Read()
    {
        lock (_gate)
        {
            var upstream = _upstream + (_sentAt is { } sentAt ? time.GetElapsedTime(sentAt) : TimeSpan.Zero);
            var overhead = time.GetElapsedTime(_begunAt) - upstream;
            return (upstream, overhead > TimeSpan.Zero ? overhead : TimeSpan.Zero);
        }
    }

    /// <summary>An attempt of it went out: a model may have been paid for it.</summary>
    public bool WasSent => _wasSent;

    internal void Began() => _hasBegun = true;

    /// <summary>An attempt goes out.</summary>
    internal void Sent()
    {
        _wasSent = true;
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
