namespace SaasLlm.Core.Background;

/// <summary>A background task as its row says.</summary>
public sealed class ScheduledTask
{
    public required string Name { get; init; }

    /// <summary>True: one runner does it each tick. False: every runner does it.</summary>
    public bool IsSchedule { get; init; }

    /// <summary>From the end of a run to the next tick.</summary>
    public TimeSpan RunEvery { get; init; }

    public DateTimeOffset NextRunAt { get; init; }

    /// <summary>An operator asked for a run: a schedule's that has not ended, another pass' that no runner has taken yet.</summary>
    public DateTimeOffset? RequestedAt { get; init; }

    /// <summary>The newest request, done or not: its repeat asks for nothing.</summary>
    public Guid? RequestId { get; init; }

    public Guid? LeaseToken { get; init; }

    /// <summary>Past this a run that has not ended is taken for its runner's death.</summary>
    public DateTimeOffset? LeaseUntil { get; init; }

    public DateTimeOffset? LastStartedAt { get; init; }

    public DateTimeOffset? LastEndedAt { get; init; }

    public long? LastDurationMs { get; init; }

    /// <summary>One of <see cref="TaskOutcome"/>.</summary>
    public string? LastOutcome { get; init; }

    public string? LastError { get; init; }

    public long Runs { get; init; }

    public long Failures { get; init; }

    public int FailuresInRow { get; init; }
}

/// <summary>How a task's last run went.</summary>
public static class TaskOutcome
{
    public const string Running = "running";
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";

    /// <summary>Its runner stopped or died; another one does it again.</summary>
    public const string Interrupted = "interrupted";
}
