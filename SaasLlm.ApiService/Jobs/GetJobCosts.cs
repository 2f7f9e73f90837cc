using FastEndpoints;
using SaasLlm.ApiService.Credits;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Jobs;

/// <summary>What a job really cost, for the operator: models, attempts, provider cost.</summary>
internal sealed class GetJobCosts(JobReader jobs) : Endpoint<GetJobCostsRequest, JobCostsResponse>
{
    public override void Configure()
    {
        Get("/{job_id:guid}/costs");
        Group<JobsOperatorGroup>();
        Summary(s =>
        {
            s.Summary = "Reads what a job really cost";
            s.Description = "Every upstream attempt has one row, written before it was sent. A cost that is not known is null, not zero. The job's own "
                + "figures stand as they were at its end: a call that it overtook is one of its failed calls, and is listed as failed with what it cost, "
                + "which usage counts and the job's totals do not.";
            s.ResponseExamples[200] = new JobCostsResponse(
                Guid.Empty, "team_hr", JobStatus.Completed, 1, 1, 0, 917, 0.0193m, 0.0231m, 1, true, null, 0, 0, 12,
                new(BudgetMode.JobBased, 1, 10, 10_000, 1, 20, 100, null),
                "settled", [new(Guid.Empty, 1)],
                [new(Guid.Empty, "ResumeAgent", null, "gpt-3.5-turbo", "succeeded", null, 412, 0, 505, 0, 0.0193m, 0.0231m, 840,
                    [new(Guid.Empty, 1, "gpt-4-turbo", "failed", "model_failed", 500, null, 0, 0, 0, 120, DateTimeOffset.UnixEpoch, UsageSource.Provider, 0, 0, null)],
                    UsageSource.Provider, 0.0193m, 0.0193m, 0.0193m)]);
        });
    }

    public override async Task HandleAsync(GetJobCostsRequest request, CancellationToken ct)
    {
        if (!(await jobs.FindAsync(new(request.JobId), null, ct)).TryGet(out var job, out var missing))
        {
            await Send.FailureAsync(missing);
            return;
        }

        var calls = await jobs.CallsAsync(job.TeamId, new(job.JobId), ct);
        var attempts = (await jobs.AttemptsAsync(job.TeamId, new(job.JobId), ct)).ToLookup(attempt => attempt.CallId);
        await Send.OkAsync(JobCostsResponse.From(job, calls, attempts), ct);
    }
}

internal sealed record GetJobCostsRequest([property: RouteParam] Guid JobId);

/// <param name="ProviderCostUsd">What the provider charges, failed attempts included, as far as known.</param>
/// <param name="TotalCostUsd">What the client pays in dollars: the answering attempts with markup.</param>
/// <param name="PriceVersion">Of the price book: its calls are priced by it.</param>
/// <param name="Terms">What it opened with.</param>
/// <param name="HoldState"><c>held</c>, then one of <c>settled</c>, <c>released</c>, <c>expired</c>.</param>
/// <param name="Lots">While held, what is set aside of which lots; once settled, what was burned. First to burn first.</param>
internal sealed record JobCostsResponse(
    Guid JobId,
    string TeamId,
    string Status,
    int TotalCalls,
    int SuccessfulCalls,
    int FailedCalls,
    long TotalTokens,
    decimal ProviderCostUsd,
    decimal TotalCostUsd,
    decimal CreditsCharged,
    bool CreditApplied,
    string? CreditReason,
    decimal UncollectedCredits,
    decimal RefundedCredits,
    long PriceVersion,
    JobTermsResponse Terms,
    string HoldState,
    IReadOnlyList<LotShareResponse> Lots,
    IReadOnlyList<CallCosts> Calls)
{
    public static JobCostsResponse From(Job job, IReadOnlyList<LlmCallRecord> calls, ILookup<Guid, LlmAttempt> attempts) => new(
        job.JobId, job.TeamId, job.Status, job.StartedCalls, job.SuccessfulCalls, job.FailedCalls, job.InputTokens + job.OutputTokens,
        job.ProviderCostUsd, job.ClientCostUsd, job.SettledAmount, job.CreditApplied, job.CreditReason, job.UncollectedCredits, job.RefundedAmount,
        job.PriceVersion, JobTermsResponse.From(job), job.HoldState, [.. job.LotIds.Zip(job.LotAmounts, (lot, credits) => new LotShareResponse(lot, credits))],
        [.. calls.Select(call => CallCosts.From(call, attempts[call.CallId])),
         .. Running(calls, attempts)]);

    // A call has its row at its end; one that runs, or was abandoned, has only its attempts.
    private static IEnumerable<CallCosts> Running(IReadOnlyList<LlmCallRecord> calls, ILookup<Guid, LlmAttempt> attempts)
    {
        var ended = calls.Select(call => call.CallId).ToHashSet();
        return attempts.Where(call => !ended.Contains(call.Key)).Select(call => new CallCosts(
            call.Key, null, null, null, "running", null, 0, 0, 0, 0, null, null, null, [.. call.Select(AttemptCosts.From)], null, null, null, null));
    }
}

/// <param name="UsageSource">Where its usage came from: <c>provider</c>, <c>counted</c>, <c>bounded</c> or <c>unknown</c>.</param>
/// <param name="CostLowUsd">All its attempts together cost the operator no less,</param>
/// <param name="CostHighUsd">and, as far as can be said, no more.</param>
/// <param name="GatewayCostUsd">What the gateway itself says of the answer; null where it says nothing.</param>
internal sealed record CallCosts(
    Guid CallId,
    string? ModelGroup,
    string? Purpose,
    string? ResolvedModel,
    string Status,
    string? ErrorCode,
    long InputTokens,
    long CachedInputTokens,
    long OutputTokens,
    long ReasoningTokens,
    decimal? ProviderCostUsd,
    decimal? ClientCostUsd,
    int? LatencyMs,
    IReadOnlyList<AttemptCosts> Attempts,
    string? UsageSource,
    decimal? CostLowUsd,
    decimal? CostHighUsd,
    decimal? GatewayCostUsd)
{
    public static CallCosts From(LlmCallRecord call, IEnumerable<LlmAttempt> attempts) => new(
        call.CallId, call.ModelGroup, call.Purpose, call.ResolvedModel, call.Status, call.ErrorCode, call.InputTokens, call.CachedInputTokens,
        call.OutputTokens, call.ReasoningTokens, call.ProviderCostUsd, call.ClientCostUsd, call.LatencyMs, [.. attempts.Select(AttemptCosts.From)],
        call.UsageSource, call.CostLowUsd, call.CostHighUsd, call.GatewayCostUsd);
}

/// <param name="Outcome">What the answer meant, for example <c>rate_limited</c>.</param>
internal sealed record AttemptCosts(
    Guid AttemptId,
    int Number,
    string Model,
    string Status,
    string? Outcome,
    int? HttpStatus,
    string? UpstreamId,
    long InputTokens,
    long OutputTokens,
    decimal? ProviderCostUsd,
    int? LatencyMs,
    DateTimeOffset StartedAt,
    string? UsageSource,
    decimal? CostLowUsd,
    decimal? CostHighUsd,
    decimal? GatewayCostUsd)
{
    public static AttemptCosts From(LlmAttempt attempt) => new(
        attempt.AttemptId, attempt.AttemptNumber, attempt.ModelName, attempt.Status, attempt.Outcome, attempt.HttpStatus, attempt.UpstreamId,
        attempt.InputTokens, attempt.OutputTokens, attempt.ProviderCostUsd, attempt.LatencyMs, attempt.StartedAt,
        attempt.UsageSource, attempt.CostLowUsd, attempt.CostHighUsd, attempt.GatewayCostUsd);
}
