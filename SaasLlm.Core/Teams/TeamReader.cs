using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Refills;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Teams;

/// <summary>Reads teams with their accounts and groups.</summary>
public sealed class TeamReader(IDbContextFactory<SaasLlmDbContext> contexts)
{
    /// <summary>404 <c>team.not_found</c>.</summary>
    public async Task<Result<TeamDetails>> FindAsync(string teamId, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var found = await Details(db, db.Teams.Where(t => t.TeamId == teamId)).SingleOrDefaultAsync(cancellation);
        return found is not null ? found : TeamService.NotFound;
    }

    /// <summary>By id.</summary>
    public async Task<Page<TeamDetails>> ListAsync(PageQuery page, TeamFilter filter, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var teams = db.Teams.Where(t => (filter.OrganizationId == null || t.OrganizationId == filter.OrganizationId)
                                        && (filter.Status == null || t.Status == filter.Status));
        if (filter.ModelGroup is { } group)
        {
            teams = teams.Where(t => db.TeamModelGroups.Any(g => g.TeamId == t.TeamId && g.GroupName == group));
        }

        if (page.After is { } after)
        {
            teams = page.Descending
                ? teams.Where(t => string.Compare(t.TeamId, after) < 0)
                : teams.Where(t => string.Compare(t.TeamId, after) > 0);
        }

        var ordered = page.Descending ? teams.OrderByDescending(t => t.TeamId) : teams.OrderBy(t => t.TeamId);
        var rows = await Details(db, ordered.Take(page.Limit + 1)).ToListAsync(cancellation);
        return Page.From(rows, page.Limit, row => row.Team.TeamId);
    }

    private static IQueryable<TeamDetails> Details(SaasLlmDbContext db, IQueryable<Team> teams)
        => from team in teams.AsNoTracking()
           join account in db.TeamCredits.AsNoTracking() on team.TeamId equals account.TeamId
           select new TeamDetails(
               team,
               account,
               db.TeamModelGroups.Where(g => g.TeamId == team.TeamId).OrderBy(g => g.GroupName).Select(g => g.GroupName).ToList(),
               SaasLlmDbContext.LedgerNow())
           {
               Refill = db.CreditRefills.AsNoTracking().FirstOrDefault(refill => refill.TeamId == team.TeamId),
           };
}

/// <summary>A team as it is read.</summary>
/// <param name="ModelGroups">The names of the groups it may use, sorted.</param>
/// <param name="ReadAt">By the clock of money.</param>
public sealed record TeamDetails(Team Team, TeamCredits Account, IReadOnlyList<string> ModelGroups, DateTimeOffset ReadAt)
{
    /// <summary>What comes by itself; null where it was never set.</summary>
    public CreditRefill? Refill { get; init; }
}

/// <summary>Which teams to list; null is any.</summary>
public sealed record TeamFilter(string? OrganizationId = null, string? Status = null, string? ModelGroup = null);
