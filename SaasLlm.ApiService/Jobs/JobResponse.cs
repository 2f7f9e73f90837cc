using System.Text.Json;
using System.Text.Json.Serialization;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs;

/// <summary>A job as its team sees it: no model, no provider cost.</summary>
/// <param name="BudgetMode">How it is charged: <c>job_based</c>, <c>consumption_usd</c> or <c>consumption_tokens</c>.</param>
/// <param name="CreditsHeld">Set aside while the job is open.</param>
/// <param name="CreditReason">Why nothing was charged, for example <c>no_successful_call</c>; null while open and when charged.</param>
/// <param name="UncollectedCredits">Due at its end, and not there to be taken.</param>
/// <param name="RefundedCredits">Of what was charged, given back since.</param>
/// <param name="FailedCalls">Those that its end overtook as well.</param>
/// <param name="TotalCostUsd">
/// What its calls cost the client, with markup, up to its end. What a call cost that ended after it is in usage, and is charged to nobody.
/// </param>
internal sealed record JobResponse(
    Guid JobId,
    string TeamId,
    string OrganizationId,
    string JobType,
    string? UserId,
    string? ExternalTaskId,
    string Status,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? CompletedAt,
    DateTimeOffset DeadlineAt,
    string BudgetMode,
    decimal CreditsHeld,
    bool CreditApplied,
    string? CreditReason,
    decimal CreditsCharged,
    decimal UncollectedCredits,
    decimal RefundedCredits,
    IReadOnlyList<string> ModelGroupsUsed,
    int TotalCalls,
    int SuccessfulCalls,
    int FailedCalls,
    long TotalTokens,
    decimal TotalCostUsd,
    string? ErrorMessage,
    JsonElement Metadata)
{
    /// <summary>Of a job that was submitted with its calls, where it is read alone.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ProgressResponse? Progress { get; init; }


    public static JobResponse Example => new(
        Guid.Empty, "team_hr", "org_acme", "resume_analysis", "user_1", "task-42", JobStatus.Completed,
        DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch,
        "job_based", 0, true, null, 1, 0, 0, ["ResumeAgent"], 2, 2, 0, 1834, 0.0231m, null, JsonElement.Parse("{}"));

    public static JobResponse From(Job job) => new(
        job.JobId, job.TeamId, job.OrganizationId, job.JobType, job.UserId, job.ExternalTaskId, job.Status,
        job.CreatedAt, job.StartedAt, job.CompletedAt, job.DeadlineAt,
        job.BudgetMode, job.HoldState == "held" ? job.HoldAmount : 0, job.CreditApplied, job.CreditReason, job.SettledAmount, job.UncollectedCredits,
        job.RefundedAmount, job.ModelGroupsUsed, job.StartedCalls, job.SuccessfulCalls, job.FailedCalls, job.InputTokens + job.OutputTokens,
        job.ClientCostUsd, job.ErrorMessage, JsonElement.Parse(job.Metadata));
}

/// <summary>How far a submitted job is.</summary>
/// <param name="Done">Steps that will not run any more: succeeded, failed, skipped or cancelled.</param>
/// <param name="EtaSeconds">By its pace so far; null before the first step's end and after the last one's.</param>
/// <param name="RetryOf">The job whose failed part this one repeats.</param>
internal sealed record ProgressResponse(int Total, int Done, int Succeeded, int Failed, int Skipped, int Cancelled, int? EtaSeconds, Guid? RetryOf)
{
    public static ProgressResponse? Of(JobProgress? progress)
        => progress is null
            ? null
            : new(progress.Total, progress.Done, progress.Succeeded, progress.Failed, progress.Skipped, progress.Cancelled, progress.RemainingSeconds, progress.RetryOf);
}
