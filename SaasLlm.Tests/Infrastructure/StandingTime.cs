namespace SaasLlm.Tests.Infrastructure;

/// <summary>
/// A clock that stands, for who does not ask about time: nothing grows old, and no limit runs out, however slow the machine is. What pauses in
/// between still goes on.
/// </summary>
/// <param name="pauseMax">Timers up to this are pauses, and take as long as they say; longer ones are limits, and never ring.</param>
internal sealed class StandingTime(TimeSpan pauseMax) : TimeProvider
{
    private readonly long _now = System.GetTimestamp();

    public override long GetTimestamp() => _now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => base.CreateTimer(callback, state, dueTime <= pauseMax ? dueTime : Timeout.InfiniteTimeSpan, period);
}
