using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Reads a stored plan back, to run again what of it did not succeed.</summary>
internal sealed class PlanReader(IDbContextFactory<SaasLlmDbContext> contexts, StepCipher cipher)
{
    /// <summary>
    /// The plan of what did not succeed, with the answers of the steps that did where others may ask for them. 404 <c>job.not_found</c>, 409
    /// <c>background.not_submitted</c>, <c>background.not_ended</c>, <c>background.nothing_to_retry</c>.
    /// </summary>
    public async Task<Result<(Job Job, JobPlan Plan)>> ReadRestAsync(string teamId, JobId jobId, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var job = await db.Jobs.AsNoTracking().FirstOrDefaultAsync(row => row.TeamId == teamId && row.JobId == jobId.Value, cancellation);
        var plan = await db.BackgroundJobs.AsNoTracking().FirstOrDefaultAsync(row => row.TeamId == teamId && row.JobId == jobId.Value, cancellation);
        if (job is null || plan is null)
        {
            return job is null ? JobFailures.NotFound : BackgroundFailures.NotSubmitted;
        }

        if (plan.State != PlanState.Ended)
        {
            return BackgroundFailures.NotEnded;
        }

        if (plan.Succeeded == plan.Total)
        {
            return BackgroundFailures.NothingToRetry;
        }

        var steps = db.BackgroundSteps.AsNoTracking().Where(step => step.TeamId == teamId && step.JobId == jobId.Value).OrderBy(step => step.Ordinal);
        // A batch's steps do not ask for each other's answers: what succeeded is done.
        var rest = new JobPlan(
            plan.Template is null ? StepsOf(await steps.ToListAsync(cancellation)) : [],
            plan.Template is null ? null : BatchOf(plan, await steps.Where(step => step.Status != StepStatus.Succeeded).ToListAsync(cancellation)),
            plan.MaxParallelism, plan.Priority, null, job.DeadlineAt - plan.RunAt, plan.OnStepFailure == "continue");
        return (job, rest);
    }

    private List<PlannedStep> StepsOf(List<BackgroundStep> steps)
        => [.. steps.Select(step => new PlannedStep(
            step.Name, step.ModelGroup, step.Purpose, Open(Sealed.Request, step, step.Request), [.. step.DependsOn.Select(ordinal => steps[ordinal].Name)], step.MaxTries)
        {
            Answer = step.Output is { } output ? Open(Sealed.Output, step, output) : null,
        })];

    private PlannedBatch BatchOf(BackgroundJob plan, List<BackgroundStep> steps)
    {
        var fields = JsonElement.Parse(cipher.Open(Sealed.Template, StepId.Shared(plan.TeamId, new(plan.JobId)), plan.Template!));
        var first = steps[0];
        return new(
            new(first.Name, first.ModelGroup, first.Purpose, fields, [], first.MaxTries),
            [.. steps.Select(step => Open(Sealed.Request, step, step.Request))])
        {
            Names = [.. steps.Select(step => step.Name)],
        };
    }

    private JsonElement Open(string what, BackgroundStep step, byte[] stored)
        => JsonElement.Parse(cipher.Open(what, new(step.TeamId, new(step.JobId), step.Ordinal), stored));
}
