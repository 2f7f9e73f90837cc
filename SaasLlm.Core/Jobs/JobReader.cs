using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Jobs;

/// <summary>Reads jobs and their calls.</summary>
public sealed class JobReader(IDbContextFactory<SaasLlmDbContext> contexts)
{
    /// <summary>One job; 404 <c>job.not_found</c> when it is another team's.</summary>
    /// <param name="teamId">The team that asks; null for the operator.</param>
    public async Task<Result<Job>> FindAsync(JobId jobId, string? teamId, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var jobs = db.Jobs.AsNoTracking().Where(job => job.JobId == jobId.Value);
        var found = await (teamId is null ? jobs : jobs.Where(job => job.TeamId == teamId)).FirstOrDefaultAsync(cancellation);
        return found is null ? JobFailures.NotFound : found;
    }

    /// <summary>A job's calls, in the order they were made.</summary>
    public async Task<IReadOnlyList<LlmCallRecord>> CallsAsync(string teamId, JobId jobId, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        return await db.LlmCalls.AsNoTracking()
            .Where(call => call.TeamId == teamId && call.JobId == jobId.Value).OrderBy(call => call.CallId).ToListAsync(cancellation);
    }

    /// <summary>The calls of a job that just ended, which says itself when there are none.</summary>
    public Task<IReadOnlyList<LlmCallRecord>> CallsOfAsync(string teamId, ClosedJob ended, CancellationToken cancellation)
        => ended.TotalCalls == 0 ? Task.FromResult<IReadOnlyList<LlmCallRecord>>([]) : CallsAsync(teamId, ended.JobId, cancellation);

    /// <summary>A job's upstream attempts, in the order they were sent.</summary>
    public async Task<IReadOnlyList<LlmAttempt>> AttemptsAsync(string teamId, JobId jobId, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        return await db.LlmAttempts.AsNoTracking()
            .Where(attempt => attempt.TeamId == teamId && attempt.JobId == jobId.Value).OrderBy(attempt => attempt.AttemptId).ToListAsync(cancellation);
    }

    /// <summary>A team's jobs by id, which is the order they were opened in. 404 <c>team.not_found</c>.</summary>
    public async Task<Result<Page<Job>>> ListAsync(string teamId, JobFilter filter, PageQuery page, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        if (!await db.Teams.AnyAsync(team => team.TeamId == teamId, cancellation))
        {
            return TeamService.NotFound;
        }

        return await PageAsync(filter.Apply(db.Jobs.AsNoTracking().Where(job => job.TeamId == teamId)), page, cancellation);
    }

    /// <summary>The jobs of one external task.</summary>
    /// <param name="teamId">Only this team's; null is any.</param>
    public async Task<Page<Job>> FindByTaskAsync(string externalTaskId, string? teamId, PageQuery page, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var jobs = db.Jobs.AsNoTracking().Where(job => job.ExternalTaskId == externalTaskId);
        return await PageAsync(teamId is null ? jobs : jobs.Where(job => job.TeamId == teamId), page, cancellation);
    }

    private static async Task<Page<Job>> PageAsync(IQueryable<Job> jobs, PageQuery page, CancellationToken cancellation)
    {
        if (page.After is not null && Guid.TryParse(page.After, out var after))
        {
            jobs = page.Descending ? jobs.Where(job => job.JobId < after) : jobs.Where(job => job.JobId > after);
        }

        var ordered = page.Descending ? jobs.OrderByDescending(job => job.JobId) : jobs.OrderBy(job => job.JobId);
        return Page.From(await ordered.Take(page.Limit + 1).ToListAsync(cancellation), page.Limit, job => job.JobId.ToString());
    }
}

/// <summary>Which jobs of a team; null is any.</summary>
public sealed record JobFilter(string? Status = null, string? JobType = null, DateTimeOffset? CreatedAfter = null, DateTimeOffset? CreatedBefore = null)
{
    internal IQueryable<Job> Apply(IQueryable<Job> jobs)
    {
        jobs = Status is null ? jobs : jobs.Where(job => job.Status == Status);
        jobs = JobType is null ? jobs : jobs.Where(job => job.JobType == JobType);
        jobs = CreatedAfter is null ? jobs : jobs.Where(job => job.CreatedAt > CreatedAfter);
        return CreatedBefore is null ? jobs : jobs.Where(job => job.CreatedAt < CreatedBefore);
    }
}
