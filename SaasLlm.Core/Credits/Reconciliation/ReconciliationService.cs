using Microsoft.EntityFrameworkCore;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Credits.Reconciliation;

/// <inheritdoc cref="IReconciliation"/>
internal sealed class ReconciliationService(IDbContextFactory<SaasLlmDbContext> contexts, NpgsqlDataSource source, TeamReconciler teams) : IReconciliation
{
    public async Task<ReconciliationStatus> StatusAsync(CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var runs = db.ReconciliationRuns.AsNoTracking();
        return new(
            await runs.Where(r => r.FinishedAt != null).OrderByDescending(r => r.FinishedAt).FirstOrDefaultAsync(cancellation),
            await runs.SingleOrDefaultAsync(r => r.FinishedAt == null, cancellation),
            await db.TeamCredits.LongCountAsync(cancellation),
            await db.ReconciliationDifferences.LongCountAsync(cancellation));
    }

    public async Task<Page<ReconciliationDifference>> DifferencesAsync(
        PageQuery page, string? teamId, string? kind, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var differences = db.ReconciliationDifferences.AsNoTracking();
        if (teamId is not null)
        {
            differences = differences.Where(d => d.TeamId == teamId);
        }

        if (kind is not null)
        {
            differences = differences.Where(d => d.Kind == kind);
        }

        if (page.After is not null)
        {
            var after = Guid.Parse(page.After);
            differences = page.Descending ? differences.Where(d => d.DifferenceId < after) : differences.Where(d => d.DifferenceId > after);
        }

        var ordered = page.Descending ? differences.OrderByDescending(d => d.DifferenceId) : differences.OrderBy(d => d.DifferenceId);
        return Page.From(await ordered.Take(page.Limit + 1).ToListAsync(cancellation), page.Limit, d => d.DifferenceId.ToString());
    }

    public async Task<ReconciliationRun> RequestRunAsync(Guid runId, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        while (true)
        {
            if (await db.ReconciliationRuns.AsNoTracking().Where(r => r.RunId == runId || r.FinishedAt == null)
                    .OrderByDescending(r => r.RunId == runId).FirstOrDefaultAsync(cancellation) is { } run)
            {
                return run;
            }

            // Another may have been faster, and even finished: then the next round opens ours.
            await using var connection = await source.OpenConnectionAsync(cancellation);
            await ReconciliationStore.OpenRunAsync(connection, runId, rest: null, cancellation);
        }
    }

    public async Task<Result<TeamReport>> CheckTeamAsync(string teamId, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        if (!await db.TeamCredits.AnyAsync(c => c.TeamId == teamId, cancellation))
        {
            return TeamService.NotFound;
        }

        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var (inPostgres, redis) = await teams.CheckAsync(connection, [teamId], cancellation);
        await transaction.CommitAsync(cancellation);
        return new TeamReport(teamId, inPostgres, redis.Found, redis.Seeded, redis.HoldsRemoved, redis.Skipped == 0);
    }
}
