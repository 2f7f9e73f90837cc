using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Webhooks;

/// <summary>
/// Keeps on each account whether its team raises <c>job.created</c> and <c>job.started</c>: the ledger reads it with the account, and
/// writes those rows only for teams where an endpoint asks for them.
/// </summary>
internal static class JobEvents
{
    /// <summary>Whoever changes an organization's webhooks, or adds a team to it, takes turns. False: there is no such organization.</summary>
    public static async Task<bool> LockOrganizationAsync(this SaasLlmDbContext db, string organizationId, CancellationToken cancellation)
        => (await db.Database.SqlQuery<string>(
            $"SELECT organization_id AS \"Value\" FROM organizations WHERE organization_id = {organizationId} FOR UPDATE").ToListAsync(cancellation)).Count == 1;

    /// <summary>Sets it anew, for the team, or where that is null for all the organization's. The caller holds the organization's lock.</summary>
    public static Task RefreshJobEventsAsync(this SaasLlmDbContext db, string organizationId, string? teamId, CancellationToken cancellation)
        // Accounts are locked in the order of their ids, as the ledger does.
        => db.Database.ExecuteSqlAsync($"""
            WITH asked AS (
              SELECT c.team_id,
                     EXISTS (SELECT FROM webhook_endpoints e
                              WHERE e.organization_id = {organizationId} AND (e.team_id IS NULL OR e.team_id = c.team_id)
                                AND e.events && {WebhookEvents.JobEventFilters}) AS raises
                FROM teams t JOIN team_credits c USING (team_id)
               WHERE t.organization_id = {organizationId} AND ({teamId}::text IS NULL OR t.team_id = {teamId})
               ORDER BY c.team_id
                 FOR UPDATE OF c)
            UPDATE team_credits c SET raises_job_events = asked.raises
              FROM asked
             WHERE c.team_id = asked.team_id AND c.raises_job_events <> asked.raises
            """, cancellation);

    /// <summary>For a team that was just made, in the transaction that made it.</summary>
    public static Task RefreshJobEventsAsync(this SaasLlmDbContext db, string teamId, CancellationToken cancellation)
        => db.Database.ExecuteSqlAsync($"""
            UPDATE team_credits SET raises_job_events = true
             WHERE team_id = {teamId}
               AND EXISTS (SELECT FROM webhook_endpoints e JOIN teams t USING (organization_id)
                            WHERE t.team_id = {teamId} AND e.team_id IS NULL AND e.events && {WebhookEvents.JobEventFilters})
            """, cancellation);
}
