using System.Globalization;
using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>How far a background job is.</summary>
/// <param name="Done">Steps that will not run any more.</param>
/// <param name="RemainingSeconds">By its pace so far; null before the first step's end and after the last one's.</param>
public sealed record JobProgress(
    int Total, int Done, int Succeeded, int Failed, int Skipped, int Cancelled, int? RemainingSeconds, string State, int LastSequence, Guid? RetryOf);

/// <summary>A step without what it asks and was answered.</summary>
public sealed record StepRow(
    int Ordinal, string Name, string ModelGroup, string? Purpose, string Status, int[] DependsOn, int Tries, int MaxTries, DateTimeOffset? RunAfter, Guid? CallId,
    long? Tokens, int? LatencyMs, string? ErrorCode, string? ErrorMessage, int? EndedSequence, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt)
{
    internal static readonly Expression<Func<BackgroundStep, StepRow>> FromStep = step => new(
        step.Ordinal, step.Name, step.ModelGroup, step.Purpose, step.Status, step.DependsOn, step.Tries, step.MaxTries, step.RunAfter, step.CallId,
        step.Tokens, step.LatencyMs, step.ErrorCode, step.ErrorMessage, step.EndedSequence, step.StartedAt, step.EndedAt);
}

/// <summary>Reads what background jobs have done.</summary>
public sealed class BackgroundReader(IDbContextFactory<SaasLlmDbContext> contexts, TimeProvider time)
{
    /// <summary>Null for a job that was not submitted with a plan.</summary>
    public async Task<JobProgress?> ProgressAsync(string teamId, JobId jobId, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var job = await db.BackgroundJobs.AsNoTracking().FirstOrDefaultAsync(job => job.TeamId == teamId && job.JobId == jobId.Value, cancellation);
        return job is null
            ? null
            : new(job.Total, job.Done, job.Succeeded, job.Failed, job.Skipped, job.Cancelled, Remaining(job), job.State, job.LastSequence, job.RetryOf);
    }

    /// <summary>A job's steps in their order; empty for a job without a plan.</summary>
    /// <param name="status">One of <see cref="StepStatus"/>; null is any.</param>
    public async Task<Page<StepRow>> StepsAsync(string teamId, JobId jobId, string? status, PageQuery page, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var steps = db.BackgroundSteps.AsNoTracking().Where(step => step.TeamId == teamId && step.JobId == jobId.Value);
        steps = status is null ? steps : steps.Where(step => step.Status == status);
        if (int.TryParse(page.After, CultureInfo.InvariantCulture, out var after))
        {
            steps = page.Descending ? steps.Where(step => step.Ordinal < after) : steps.Where(step => step.Ordinal > after);
        }

        var ordered = page.Descending ? steps.OrderByDescending(step => step.Ordinal) : steps.OrderBy(step => step.Ordinal);
        var rows = await ordered.Take(page.Limit + 1).Select(StepRow.FromStep).ToListAsync(cancellation);
        return Page.From(rows, page.Limit, step => step.Ordinal.ToString(CultureInfo.InvariantCulture));
    }

    private int? Remaining(BackgroundJob job)
    {
        // What was carried over from another job took no time.
        var ended = job.Done - job.Carried;
        if (job.State != PlanState.Active || ended <= 0 || job.StartedAt is not { } startedAt)
        {
            return null;
        }

        var seconds = (time.GetUtcNow() - startedAt).TotalSeconds / ended * (job.Total - job.Done);
        return (int)Math.Clamp(Math.Ceiling(seconds), 0, int.MaxValue);
    }
}
