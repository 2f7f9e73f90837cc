using System.Text.Json;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs;

/// <summary>A job as its team sees it: no model, no provider cost.</summary>
/// <param name="BudgetMode">How it is charged: <c>job_based</c>, <c>consumption_usd</c> or <c>consumption_tokens</c>.</param>
/// <param name="CreditsHeld">Set aside while the job is open.</param>
/// <param name="CreditReason">Why nothing was charged, for example <c>no_successful_call</c>; null while open and when charged.</param>
/// <param name="UncollectedCredits">Due at its end, and not there to be taken.</param>
/// <param name="RefundedCredits">Of what was charged, given back since.</param>
/// <param name="TotalCostUsd">What its calls cost the client, with markup.</param>
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
