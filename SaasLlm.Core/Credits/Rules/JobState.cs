using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>A job as the writer read it under its row lock.</summary>
/// <param name="TeamIsSuspended">Of the job's team.</param>
internal sealed record JobState(
    string TeamId,
    JobId JobId,
    bool TeamIsSuspended,
    string Status,
    BudgetTerms Terms,
    int MaxCalls,
    decimal? MaxCostUsd,
    DateTimeOffset CreatedAt,
    DateTimeOffset DeadlineAt,
    decimal HoldAmount)
{
    /// <summary><c>held</c>, then one of <c>settled</c>, <c>released</c>, <c>expired</c>.</summary>
    public string HoldState { get; init; } = "held";

    /// <summary>While held, what the hold has set aside of which lots; once settled, what was burned. First to burn first.</summary>
    public IReadOnlyList<LotShare> Lots { get; init; } = [];

    public decimal SettledAmount { get; init; }

    /// <summary>Of <see cref="SettledAmount"/>, what was given back.</summary>
    public decimal RefundedAmount { get; init; }

    public decimal UncollectedCredits { get; init; }

    /// <summary>As it was opened; kept for the events of its end.</summary>
    public string? JobType { get; init; }

    /// <inheritdoc cref="JobType"/>
    public string? UserId { get; init; }

    /// <inheritdoc cref="JobType"/>
    public string? ExternalTaskId { get; init; }

    /// <summary>It was submitted with its calls.</summary>
    public bool RunsItself { get; init; }

    /// <summary>Somebody wants to hear of its start.</summary>
    public bool RaisesEvents { get; init; }

    /// <summary>Of the price book, as it opened. Null: the newest, whose number only its row tells.</summary>
    public long? PriceVersion { get; init; }

    public int StartedCalls { get; init; }

    public int SuccessfulCalls { get; init; }

    public int FailedCalls { get; init; }

    public long InputTokens { get; init; }

    public long OutputTokens { get; init; }

    public decimal ProviderCostUsd { get; init; }

    public decimal ClientCostUsd { get; init; }

    public long LatencyMsSum { get; init; }

    public IReadOnlyList<string> ModelGroupsUsed { get; init; } = [];

    public string? ErrorMessage { get; init; }

    public bool CreditApplied { get; init; }

    public string? CreditReason { get; init; }

    public decimal? CreditsRemaining { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>A JSON object to merge over the stored metadata; null changes nothing.</summary>
    public string? MetadataPatch { get; init; }

    /// <summary>Attempts that are not closed. Complete only where the writer was asked for it.</summary>
    public IReadOnlyList<RunningAttempt> Running { get; init; } = [];

    public bool IsOpen => JobStatus.IsOpen(Status);

    /// <summary>True when no call may start or count any more: it ended, or its deadline passed and only the sweep is late.</summary>
    public bool IsOver(DateTimeOffset now) => !IsOpen || now >= DeadlineAt;

    /// <summary>A call counts as running until its attempt is closed or its attempt's deadline passes.</summary>
    public bool HasRunningCall(DateTimeOffset now) => Running.Any(attempt => attempt.DeadlineAt > now);

    /// <summary>409 <c>job.expired</c> or <c>job.ended</c>, saying how it ended.</summary>
    public Failure Over() => Status == JobStatus.Expired || IsOpen
        ? new(FailureKind.Conflict, "job.expired", "The job's deadline has passed.")
        {
            Details = new Dictionary<string, object?> { ["job_status"] = JobStatus.Expired, ["deadline_at"] = DeadlineAt },
        }
        : new(FailureKind.Conflict, "job.ended", $"The job has ended: {Status}.")
        {
            Details = new Dictionary<string, object?> { ["job_status"] = Status, ["completed_at"] = CompletedAt },
        };
}

/// <summary>An attempt that was sent and is not closed.</summary>
/// <param name="EstimatedCostUsd">The provider's.</param>
internal readonly record struct RunningAttempt(
    AttemptId AttemptId, CallId CallId, DateTimeOffset DeadlineAt, long EstimatedTokens = 0, decimal EstimatedCostUsd = 0);
