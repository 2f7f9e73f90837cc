using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Outbox;

namespace SaasLlm.Core.Teams;

/// <summary>Changes teams. <see cref="TeamCreator"/> makes them, <see cref="TeamReader"/> reads them.</summary>
public sealed class TeamService(IDbContextFactory<SaasLlmDbContext> contexts, TeamReader reader, TenantChanges changes, TimeProvider time)
{
    /// <summary>404 <c>team.not_found</c>: not there, or not the caller's.</summary>
    public static Failure NotFound { get; } = new(FailureKind.NotFound, "team.not_found", "There is no such team.");

    /// <summary>403 <c>team.suspended</c>.</summary>
    public static Failure Suspended { get; } = new(FailureKind.Forbidden, "team.suspended", "The team is suspended.");

    /// <summary>What is null stays as it is; limits are replaced as a whole, on every replica within a second. 404 <c>team.not_found</c>.</summary>
    public async Task<Result<TeamDetails>> UpdateAsync(
        string teamId, string? alias, string? metadataJson, RateLimits? limits, CancellationToken cancellation)
    {
        await using (var db = await contexts.CreateDbContextAsync(cancellation))
        {
            var rows = await db.Database.ExecuteSqlAsync($"""
                UPDATE teams
                   SET team_alias = coalesce({alias}, team_alias), metadata = coalesce({metadataJson}::jsonb, metadata),
                       requests_per_minute = CASE WHEN {limits is null} THEN requests_per_minute ELSE {limits?.RequestsPerMinute} END,
                       tokens_per_minute = CASE WHEN {limits is null} THEN tokens_per_minute ELSE {limits?.TokensPerMinute} END,
                       parallel_calls = CASE WHEN {limits is null} THEN parallel_calls ELSE {limits?.ParallelCalls} END,
                       updated_at = now()
                 WHERE team_id = {teamId}
                """, cancellation);
            if (rows == 0)
            {
                return NotFound;
            }
        }

        if (limits is not null)
        {
            await changes.TeamChangedAsync(teamId);
        }

        return await reader.FindAsync(teamId, cancellation);
    }

    /// <summary>Sets for how many days (1 to 90) what the team's calls ask and are answered is kept from now on; null: not at all. 404 <c>team.not_found</c>.</summary>
    public async Task<Result<TeamDetails>> SetKeepBodiesAsync(string teamId, int? days, CancellationToken cancellation)
    {
        await using (var db = await contexts.CreateDbContextAsync(cancellation))
        {
            if (await db.Database.ExecuteSqlAsync(
                $"UPDATE teams SET keep_bodies_days = {days}, updated_at = now() WHERE team_id = {teamId}", cancellation) == 0)
            {
                return NotFound;
            }
        }

        await changes.TeamChangedAsync(teamId);
        return await reader.FindAsync(teamId, cancellation);
    }

    /// <summary>
    /// <see cref="TeamStatus.Suspended"/>: its keys may read and end jobs, and open nothing new, on every replica within a second.
    /// Setting the status it has changes nothing. 404 <c>team.not_found</c>.
    /// </summary>
    public async Task<Result<TeamDetails>> SetStatusAsync(string teamId, string status, CancellationToken cancellation)
    {
        await using (var db = await contexts.CreateDbContextAsync(cancellation))
        {
            await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
            var rows = await db.Database.ExecuteSqlAsync(
                $"UPDATE teams SET status = {status}, updated_at = now() WHERE team_id = {teamId} AND status <> {status}", cancellation);
            if (rows == 1)
            {
                var topic = status == TeamStatus.Suspended ? "team.suspended" : "team.resumed";
                await db.RaiseAsync(time, teamId, topic, $"team:{teamId}:{topic}:{Uuid7.New(time)}", new { TeamId = teamId, Status = status }, cancellation);
            }

            await transaction.CommitAsync(cancellation);
        }

        // Also when nothing changed: who repeats it may do so because a replica did not hear.
        await changes.TeamChangedAsync(teamId);
        return await reader.FindAsync(teamId, cancellation);
    }

    /// <summary>
    /// Replaces the groups the team may use. 404 <c>team.not_found</c>, 404 <c>model_group.not_found</c> naming those that are not there.
    /// </summary>
    public async Task<Result<TeamDetails>> SetModelGroupsAsync(string teamId, IReadOnlyList<string> groups, CancellationToken cancellation)
    {
        await using (var db = await contexts.CreateDbContextAsync(cancellation))
        {
            var failure = await db.Database.CreateExecutionStrategy().ExecuteAsync(
                (Team: teamId, Groups: groups.ToArray()),
                async (_, state, token) => await SetModelGroupsOnceAsync(state.Team, state.Groups, token), null, cancellation);
            if (failure is not null)
            {
                return failure;
            }
        }

        await changes.GrantsChangedAsync(teamId);
        return await reader.FindAsync(teamId, cancellation);
    }

    private async Task<Failure?> SetModelGroupsOnceAsync(string teamId, string[] groups, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        // The row's lock orders two changes of one team.
        if (await db.Database.ExecuteSqlAsync($"UPDATE teams SET updated_at = now() WHERE team_id = {teamId}", cancellation) == 0)
        {
            return NotFound;
        }

        if (await TeamGrants.GrantAsync(db, teamId, groups, cancellation) is { } failure)
        {
            return failure;
        }

        await db.Database.ExecuteSqlAsync(
            $"DELETE FROM team_model_groups WHERE team_id = {teamId} AND group_name <> ALL ({groups})", cancellation);
        await transaction.CommitAsync(cancellation);
        return null;
    }
}
