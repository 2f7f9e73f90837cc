namespace SaasLlm.Core.Jobs.Background;

/// <summary>One call of a background job's plan.</summary>
public sealed class BackgroundStep
{
    public required string TeamId { get; init; }

    public required Guid JobId { get; init; }

    /// <summary>0, 1, 2, … in the order they were given in.</summary>
    public required int Ordinal { get; init; }

    public required string Name { get; init; }

    public required string ModelGroup { get; init; }

    public string? Purpose { get; init; }

    /// <summary>The body to send, of a batch its input; encrypted.</summary>
    public required byte[] Request { get; init; }

    public short Priority { get; init; }

    /// <summary>One of <see cref="StepStatus"/>.</summary>
    public string Status { get; init; } = StepStatus.Waiting;

    public int[] DependsOn { get; init; } = [];

    public int[] Dependents { get; init; } = [];

    public int OpenDependencies { get; init; }

    public int Tries { get; init; }

    public int MaxTries { get; init; }

    /// <summary>Claims since the last end.</summary>
    public int Claims { get; init; }

    public DateTimeOffset? RunAfter { get; init; }

    /// <summary>When it was made ready last.</summary>
    public DateTimeOffset? ReadyAt { get; init; }

    public Guid? LeaseToken { get; init; }

    public DateTimeOffset? LeaseUntil { get; init; }

    /// <summary>What the model answered; encrypted.</summary>
    public byte[]? Output { get; init; }

    /// <summary>The call's end for the ledger; encrypted.</summary>
    public byte[]? CallEnd { get; init; }

    public Guid? CallId { get; init; }

    public long? Tokens { get; init; }

    public int? LatencyMs { get; init; }

    public string? ErrorCode { get; init; }

    public string? ErrorMessage { get; init; }

    /// <summary>The number of the event that its end is.</summary>
    public int? EndedSequence { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>The words of <see cref="BackgroundStep.Status"/>.</summary>
public static class StepStatus
{
    /// <summary>For the steps before it, or for its job's turn.</summary>
    public const string Waiting = "waiting";

    /// <summary>Until a time: it is tried again.</summary>
    public const string Scheduled = "scheduled";

    public const string Ready = "ready";
    public const string Running = "running";
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";

    /// <summary>A step before it failed.</summary>
    public const string Skipped = "skipped";

    /// <summary>The job ended before it did.</summary>
    public const string Cancelled = "cancelled";

    public static IReadOnlyList<string> All { get; } = [Waiting, Scheduled, Ready, Running, Succeeded, Failed, Skipped, Cancelled];
}
