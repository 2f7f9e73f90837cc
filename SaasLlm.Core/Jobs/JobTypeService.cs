using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;
using SaasLlm.Core.Idempotency;

namespace SaasLlm.Core.Jobs;

/// <summary>Makes, changes and reads job types; every change is told to all replicas. Jobs that are open keep what they opened with.</summary>
public sealed class JobTypeService(IDbContextFactory<SaasLlmDbContext> contexts, TenantChanges changes)
{
    private static readonly Failure s_notFound = new(FailureKind.NotFound, "job_type.not_found", "There is no such job type.");

    /// <summary>409 <c>job_type.exists</c>.</summary>
    /// <param name="work">Whose repeat finds what it made.</param>
    public async Task<Result<JobType>> CreateAsync(JobType type, IdempotentWork work, CancellationToken cancellation)
    {
        if (work.Recall<string>() is null && await InsertAsync(type, work, cancellation) is { } refused)
        {
            return refused;
        }

        // A replica may remember that it is not there.
        await changes.JobTypeChangedAsync(type.Name);
        return await FindAsync(type.Name, cancellation);
    }

    /// <summary>404 <c>job_type.not_found</c>.</summary>
    public async Task<Result<JobType>> UpdateAsync(string name, JobTypeChange change, CancellationToken cancellation)
    {
        await using (var db = await contexts.CreateDbContextAsync(cancellation))
        {
            var rows = await db.Database.ExecuteSqlAsync($"""
                UPDATE job_types
                   SET description = coalesce({change.Description}, description),
                       price = CASE WHEN {change.Price.IsGiven} THEN {change.Price.Value} ELSE price END,
                       lifetime_seconds = CASE WHEN {change.LifetimeSeconds.IsGiven} THEN {change.LifetimeSeconds.Value} ELSE lifetime_seconds END,
                       max_calls = CASE WHEN {change.MaxCalls.IsGiven} THEN {change.MaxCalls.Value} ELSE max_calls END,
                       max_cost_usd = CASE WHEN {change.MaxCostUsd.IsGiven} THEN {change.MaxCostUsd.Value} ELSE max_cost_usd END,
                       updated_at = now()
                 WHERE name = {name}
                """, cancellation);
            if (rows == 0)
            {
                return s_notFound;
            }
        }

        await changes.JobTypeChangedAsync(name);
        return await FindAsync(name, cancellation);
    }

    /// <summary>Its jobs get what all get from then on. 404 <c>job_type.not_found</c>.</summary>
    public async Task<Result<Accepted>> DeleteAsync(string name, CancellationToken cancellation)
    {
        await using (var db = await contexts.CreateDbContextAsync(cancellation))
        {
            if (await db.JobTypes.Where(type => type.Name == name).ExecuteDeleteAsync(cancellation) == 0)
            {
                return s_notFound;
            }
        }

        await changes.JobTypeChangedAsync(name);
        return default(Accepted);
    }

    /// <summary>404 <c>job_type.not_found</c>.</summary>
    public async Task<Result<JobType>> FindAsync(string name, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var found = await db.JobTypes.AsNoTracking().SingleOrDefaultAsync(type => type.Name == name, cancellation);
        return found is not null ? found : s_notFound;
    }

    /// <summary>By name.</summary>
    public async Task<Page<JobType>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var types = db.JobTypes.AsNoTracking();
        if (page.After is { } after)
        {
            types = page.Descending
                ? types.Where(type => string.Compare(type.Name, after) < 0)
                : types.Where(type => string.Compare(type.Name, after) > 0);
        }

        var ordered = page.Descending ? types.OrderByDescending(type => type.Name) : types.OrderBy(type => type.Name);
        return Page.From(await ordered.Take(page.Limit + 1).ToListAsync(cancellation), page.Limit, type => type.Name);
    }

    private async Task<Failure?> InsertAsync(JobType type, IdempotentWork work, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        db.JobTypes.Add(type);
        try
        {
            await db.SaveChangesAsync(cancellation);
        }
        catch (DbUpdateException exception) when (StoreErrors.Violates(exception, "pk_job_types"))
        {
            return new Failure(FailureKind.Conflict, "job_type.exists", "A job type with this name exists.");
        }

        await work.KeepAsync(db, type.Name, cancellation);
        await transaction.CommitAsync(cancellation);
        return null;
    }
}

/// <summary>What of a job type to change: what is left out stays, and null is as for all.</summary>
public sealed record JobTypeChange(
    string? Description = null,
    Optional<decimal?> Price = default,
    Optional<int?> LifetimeSeconds = default,
    Optional<int?> MaxCalls = default,
    Optional<decimal?> MaxCostUsd = default);
