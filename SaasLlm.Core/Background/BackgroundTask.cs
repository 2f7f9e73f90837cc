namespace SaasLlm.Core.Background;

/// <summary>A registered pass, and what this process knows of its runs. Schedules are recorded by their claim; what every runner does is recorded here.</summary>
internal sealed class BackgroundTask(IBackgroundPass pass)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _woken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PassRecord? _record;

    public IBackgroundPass Pass => pass;

    public string Name { get; } = pass.Name;

    public bool IsSchedule => pass is IScheduledPass;

    /// <summary>An operator asked for a run: the loop does it now.</summary>
    public void Wake() => Volatile.Read(ref _woken).TrySetResult();

    /// <summary>Rests; true if it was woken.</summary>
    public async Task<bool> RestAsync(TimeSpan rest, TimeProvider time, CancellationToken stopping)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var woken = Volatile.Read(ref _woken).Task;
        var first = await Task.WhenAny(woken, Task.Delay(rest, time, over.Token));
        await over.CancelAsync();
        if (first != woken)
        {
            return false;
        }

        Volatile.Write(ref _woken, new(TaskCreationOptions.RunContinuationsAsynchronously));
        return true;
    }

    /// <summary>Notes a run that is over.</summary>
    /// <param name="endedAt">A time stamp of the process' clock.</param>
    public void Record(long endedAt, TimeSpan duration, string? error)
    {
        lock (_gate)
        {
            _record = new(Name, (_record?.Runs ?? 0) + 1, (_record?.Failures ?? 0) + (error is null ? 0 : 1), endedAt, duration, error);
        }
    }

    /// <summary>What was noted since it was asked last; null when nothing was.</summary>
    public PassRecord? TakeRecord()
    {
        lock (_gate)
        {
            (var record, _record) = (_record, null);
            return record;
        }
    }
}

/// <summary>Runs of a pass in this process; the last one's end, duration and error.</summary>
internal sealed record PassRecord(string Name, long Runs, long Failures, long EndedAt, TimeSpan Duration, string? Error);
