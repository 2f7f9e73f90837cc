using System.Globalization;
using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Credits;

/// <summary>Reads the ledger.</summary>
public sealed class TransactionReader(IDbContextFactory<SaasLlmDbContext> contexts)
{
    /// <summary>A team's entries by sequence. 404 <c>team.not_found</c>.</summary>
    /// <param name="kind">Only entries of this kind; null is any.</param>
    /// <param name="jobId">Only this job's entries; null is any.</param>
    public async Task<Result<Page<CreditTransaction>>> ListAsync(
        string teamId, PageQuery page, string? kind, Guid? jobId, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        if (!await db.Teams.AnyAsync(t => t.TeamId == teamId, cancellation))
        {
            return TeamService.NotFound;
        }

        var entries = db.CreditTransactions.AsNoTracking().Where(t => t.TeamId == teamId);
        if (kind is not null)
        {
            entries = entries.Where(t => t.Kind == kind);
        }

        if (jobId is not null)
        {
            entries = entries.Where(t => t.JobId == jobId);
        }

        if (page.After is not null)
        {
            var after = long.Parse(page.After, CultureInfo.InvariantCulture);
            entries = page.Descending ? entries.Where(t => t.Sequence < after) : entries.Where(t => t.Sequence > after);
        }

        var ordered = page.Descending ? entries.OrderByDescending(t => t.Sequence) : entries.OrderBy(t => t.Sequence);
        return Page.From(
            await ordered.Take(page.Limit + 1).ToListAsync(cancellation), page.Limit, t => t.Sequence.ToString(CultureInfo.InvariantCulture));
    }
}
