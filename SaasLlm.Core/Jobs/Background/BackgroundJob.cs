namespace SaasLlm.Core.Jobs.Background;

/// <summary>The plan of a job that was given with its calls. Changed under the lock of the team's <see cref="BackgroundTeam"/> row only.</summary>
public sealed class BackgroundJob
{
    public required string TeamId { get; init; }

    public required Guid JobId { get; init; }

    /// <summary>One of <see cref="PlanState"/>.</summary>
    public string State { get; init; } = PlanState.Planned;

    public int Total { get; init; }

    public int Succeeded { get; init; }

    /// <summary>Of <see cref="Succeeded"/>, steps whose answers another job was charged for.</summary>
    public int Carried { get; init; }

    public int Failed { get; init; }

    public int Skipped { get; init; }

    public int Cancelled { get; init; }

    /// <summary>Steps that are ready, scheduled or running: at most <see cref="MaxParallelism"/>.</summary>
    public int InFlight { get; init; }

    public int MaxParallelism { get; init; }

    /// <summary>0 runs first, 9 last, within the team.</summary>
    public short Priority { get; init; }

    /// <summary><c>fail</c> or <c>continue</c>.</summary>
    public required string OnStepFailure { get; init; }

    public DateTimeOffset RunAt { get; init; }

    /// <summary>Of a batch, what its steps share, encrypted.</summary>
    public byte[]? Template { get; init; }

    public string? FailureCode { get; init; }

    public string? FailureMessage { get; init; }

    /// <summary>The number of the newest event.</summary>
    public int LastSequence { get; init; }

    public short ToldTenths { get; init; }

    public Guid? RetryOf { get; init; }

    /// <summary>The key that submitted it, whose limits hold for its steps; null: the operator's.</summary>
    public Guid? KeyId { get; init; }

    public DateTimeOffset DueAt { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Steps that will not run any more.</summary>
    public int Done => Succeeded + Failed + Skipped + Cancelled;
}

/// <summary>The words of <see cref="BackgroundJob.State"/>.</summary>
public static class PlanState
{
    public const string Planned = "planned";
    public const string Scheduled = "scheduled";
    public const string Active = "active";
    public const string Finishing = "finishing";
    public const string Ended = "ended";
}

/// <summary>Whose turn it is: a team's steps that could run, and those that do.</summary>
public sealed class BackgroundTeam
{
    public required string TeamId { get; init; }

    public int Ready { get; init; }

    public int Running { get; init; }

    public DateTimeOffset LastClaimedAt { get; init; }
}
