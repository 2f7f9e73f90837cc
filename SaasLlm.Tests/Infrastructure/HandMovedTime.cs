using System.Diagnostics;

namespace SaasLlm.Tests.Infrastructure;

/// <summary>A clock that a test moves. Until then it stands, and with it every limit and every pause: no machine is too slow for it.</summary>
internal sealed class HandMovedTime : TimeProvider
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly List<Alarm> _alarms = [];
    private readonly DateTimeOffset _begun = System.GetUtcNow();

    // Some take a timestamp of zero for none.
    private TimeSpan _now = TimeSpan.FromSeconds(1);
    private int _switchedOff;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How often a timer was told not to ring.</summary>
    public int SwitchedOff => Volatile.Read(ref _switchedOff);

    private TimeSpan Now
    {
        get
        {
            lock (_gate)
            {
                return _now;
            }
        }
    }

    public override long GetTimestamp() => Now.Ticks;

    public override DateTimeOffset GetUtcNow() => _begun + Now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var alarm = new Alarm(this, () => callback(state));
        alarm.Change(dueTime, period);
        return alarm;
    }

    /// <summary>What is due by then rings, on threads of the pool.</summary>
    public void Move(TimeSpan by)
    {
        List<Alarm> due;
        lock (_gate)
        {
            _now += by;
            due = [.. _alarms.Where(alarm => alarm.Due <= _now)];
            foreach (var alarm in due)
            {
                alarm.Due = alarm.Period is { } period ? _now + period : null;
            }
        }

        foreach (var alarm in due)
        {
            ThreadPool.QueueUserWorkItem(_ => alarm.Ring());
        }
    }

    /// <summary>Moves step by step until it is done: for what waits again and again.</summary>
    public async Task MoveUntilAsync(Task done, TimeSpan step)
    {
        for (var began = Stopwatch.GetTimestamp(); !done.IsCompleted;)
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < s_patience, "it was not done, however late it was");
            Move(step);
            await Task.Delay(10);
        }
    }

    private sealed class Alarm(HandMovedTime owner, Action ring) : ITimer
    {
        public TimeSpan? Due { get; set; }

        public TimeSpan? Period { get; private set; }

        public void Ring() => ring();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner._gate)
            {
                Due = Of(dueTime) is { } wait ? owner._now + wait : null;
                Period = Of(period) is { } known && known > TimeSpan.Zero ? known : null;
                owner._alarms.Remove(this);
                owner._alarms.Add(this);
                owner._switchedOff += Due is null ? 1 : 0;
            }

            // What is due at once does not wait for the clock.
            if (dueTime == TimeSpan.Zero)
            {
                owner.Move(TimeSpan.Zero);
            }

            return true;
        }

        public void Dispose()
        {
            lock (owner._gate)
            {
                Due = null;
                owner._alarms.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        private static TimeSpan? Of(TimeSpan time) => time == Timeout.InfiniteTimeSpan ? null : time;
    }
}
