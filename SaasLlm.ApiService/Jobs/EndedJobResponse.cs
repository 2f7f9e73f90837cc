using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Jobs;

/// <summary>How a job ended, what it cost, and its calls.</summary>
internal sealed record EndedJobResponse(
    Guid JobId, string Status, DateTimeOffset CompletedAt, EndedJobCosts Costs, IReadOnlyList<JobCallResponse> Calls)
{
    public static EndedJobResponse Example => new(
        Guid.Empty, JobStatus.Completed, DateTimeOffset.UnixEpoch,
        new(2, 2, 0, 1834, 0.0231m, 870, true, 1, null, 0, 149), [new(Guid.Empty, "ResumeAgent", "extract skills", "succeeded", 917, 840)]);

    public static EndedJobResponse From(ClosedJob job, IReadOnlyList<LlmCallRecord> calls) => new(
        job.JobId.Value, job.Status, job.CompletedAt,
        EndedJobCosts.Of(job),
        [.. calls.Select(JobCallResponse.From)]);
}

/// <param name="FailedCalls">Those that the job's end overtook as well.</param>
/// <param name="TotalCostUsd">
/// What the calls cost the client, with markup, up to the job's end. What a call cost that ended after it is in usage, and is charged to nobody.
/// </param>
/// <param name="CreditReason">Why nothing was charged, for example <c>no_successful_call</c>; null when charged.</param>
/// <param name="UncollectedCredits">Due, and not there to be taken.</param>
/// <param name="CreditsRemaining">Of the team, right after the job's end.</param>
internal sealed record EndedJobCosts(
    int TotalCalls,
    int SuccessfulCalls,
    int FailedCalls,
    long TotalTokens,
    decimal TotalCostUsd,
    int AvgLatencyMs,
    bool CreditApplied,
    decimal CreditsCharged,
    string? CreditReason,
    decimal UncollectedCredits,
    decimal CreditsRemaining)
{
    public static EndedJobCosts Of(ClosedJob job) => new(
        job.TotalCalls, job.SuccessfulCalls, job.FailedCalls, job.TotalTokens, job.ClientCostUsd, job.AvgLatencyMs,
        job.CreditApplied, job.CreditsCharged, job.CreditReason, job.UncollectedCredits, job.CreditsRemaining);
}

/// <summary>One call of a job, without its model.</summary>
internal sealed record JobCallResponse(Guid CallId, string ModelGroup, string? Purpose, string Status, long Tokens, int LatencyMs)
{
    public static JobCallResponse From(LlmCallRecord call)
        => new(call.CallId, call.ModelGroup, call.Purpose, call.Status, call.InputTokens + call.OutputTokens, call.LatencyMs);
}
