namespace SaasLlm.Tests.Infrastructure;

/// <summary>
/// A clock that stands unless a test moves it: nothing grows old, and no limit runs out, however slow the machine is. What pauses in between
/// goes on: timers are the machine's.
/// </summary>
/// <param name="pauseMax">Timers up to this are pauses, and take as long as they say; longer ones are limits, and never ring.</param>
internal sealed class StandingTime(TimeSpan pauseMax) : TimeProvider
{
    private long _now = System.GetTimestamp();

    public override long GetTimestamp() => Volatile.Read(ref _now);

    /// <summary>What grows old by timestamps does; timers do not hear of it.</summary>
    public void Move(TimeSpan by) => Interlocked.Add(ref _now, (long)(by.TotalSeconds * TimestampFrequency));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => base.CreateTimer(callback, state, dueTime <= pauseMax ? dueTime : Timeout.InfiniteTimeSpan, period);
}
