using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>A job to open with its plan.</summary>
/// <param name="KeyId">The key that submits it, whose limits hold for its calls; null: the operator's.</param>
public sealed record NewBackgroundJob(
    JobId JobId, string TeamId, string JobType, string? UserId, string? ExternalTaskId, string MetadataJson, JobPlan Plan, JobId? RetryOf = null,
    Guid? KeyId = null);

/// <summary>Takes jobs that come with their calls, and ends them.</summary>
public sealed class BackgroundJobs
{
    private readonly ILedger _ledger;
    private readonly JobTypes _types;
    private readonly PlanChecks _checks;
    private readonly PlanStore _plans;
    private readonly PlanReader _reader;

    internal BackgroundJobs(ILedger ledger, JobTypes types, PlanChecks checks, PlanStore plans, PlanReader reader)
        => (_ledger, _types, _checks, _plans, _reader) = (ledger, types, checks, plans, reader);

    /// <summary>What is wrong with a job before anything is held for it; empty: it can be submitted.</summary>
    public async Task<IReadOnlyList<PlanFault>> FindFaultsAsync(string teamId, string jobType, JobPlan plan, CancellationToken cancellation)
    {
        var terms = await _types.TermsOfAsync(jobType, cancellation);
        return plan.Total > terms.MaxCalls
            ? [new(plan.Batch is null ? "steps" : "batch.inputs", $"are {plan.Total} calls; a job of type '{jobType}' may make {terms.MaxCalls}, which the operator sets on the job type")]
            : await _checks.FindFaultsAsync(teamId, plan, cancellation);
    }

    /// <summary>
    /// Opens the job with its hold and starts its plan, both or neither; a job in which <see cref="FindFaultsAsync"/> found nothing. Refuses as
    /// <see cref="ILedger.OpenJobAsync"/> does. The same job again is the same answer.
    /// </summary>
    public async Task<Result<SubmittedJob>> SubmitAsync(NewBackgroundJob job, CancellationToken cancellation)
    {
        var terms = await _types.TermsOfAsync(job.JobType, cancellation);
        // The plan is first: a job without one would hold credits for nothing, a plan without its job is swept away.
        var times = await _plans.InsertAsync(job.TeamId, job.JobId, job.Plan, job.RetryOf?.Value, job.KeyId, cancellation);
        Failpoint.Hit(FailpointName.PlanStored);
        var lifetime = times.RunAt - times.Now + job.Plan.Deadline;
        var opened = await _ledger.OpenJobAsync(
            new(job.JobId, job.TeamId, job.JobType, job.UserId, job.ExternalTaskId, job.MetadataJson, lifetime, terms.MaxCalls, terms.Price, terms.MaxCostUsd,
                RunsItself: true),
            cancellation);
        if (!opened.TryGet(out var open, out var refused))
        {
            if (refused.Kind != FailureKind.Unavailable)
            {
                await _plans.ForgetAsync(job.TeamId, job.JobId, cancellation);
            }

            return refused;
        }

        Failpoint.Hit(FailpointName.PlanOpened);
        if (!await _plans.ActivateAsync(job.TeamId, job.JobId, cancellation))
        {
            // A pass took it for one that nobody opens: without a plan, the job would hold its credits until its deadline.
            await _ledger.CloseJobAsync(new(job.TeamId, job.JobId, JobStatus.Failed, "The plan was lost while the job opened.", null), cancellation);
            return StoreErrors.Unavailable;
        }

        return new SubmittedJob(open.JobId, open.TeamId, times.Total, open.CreatedAt, times.RunAt, open.DeadlineAt, open.HeldCredits);
    }

    /// <summary>
    /// Submits what of an ended job did not succeed as a new job, which is charged as one; the answers of its other steps are carried over.
    /// Refuses as <see cref="SubmitAsync"/> does, and 404 <c>job.not_found</c>, 409 <c>background.not_submitted</c>, <c>background.not_ended</c>,
    /// <c>background.nothing_to_retry</c>, <c>background.cannot_run</c>.
    /// </summary>
    /// <param name="newId">Of the new job.</param>
    /// <param name="keyId">The key that asks for it; null: the operator's.</param>
    public async Task<Result<(SubmittedJob Job, string JobType)>> RetryAsync(
        string teamId, JobId jobId, JobId newId, Guid? keyId, CancellationToken cancellation)
    {
        if (!(await _reader.ReadRestAsync(teamId, jobId, cancellation)).TryGet(out var rest, out var refused))
        {
            return refused;
        }

        var job = rest.Job;
        // Groups and their settings may have changed: what cannot run any more is said now, not later when nobody waits for it.
        if (await _checks.FindFaultsAsync(teamId, rest.Plan, cancellation) is [var fault, ..])
        {
            return BackgroundFailures.CannotRun(fault);
        }

        var submitted = await SubmitAsync(
            new(newId, teamId, job.JobType, job.UserId, job.ExternalTaskId, job.Metadata, rest.Plan, jobId, keyId), cancellation);
        return submitted.Map(made => (made, job.JobType));
    }

    /// <summary>Lets the plan of a job that runs itself follow its end. Left out, a pass does it.</summary>
    public Task FollowEndAsync(string teamId, ClosedJob job, CancellationToken cancellation)
        => job.RunsItself ? _plans.EndAsync(teamId, job.JobId, cancellation) : Task.CompletedTask;
}
