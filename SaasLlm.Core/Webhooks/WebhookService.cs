using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Idempotency;
using SaasLlm.Core.Organizations;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Webhooks;

/// <summary>
/// Makes, changes and deletes webhooks. <c>teamId</c> is the team that asks, which finds its own only; null is the operator.
/// </summary>
public sealed class WebhookService(IDbContextFactory<SaasLlmDbContext> contexts, WebhookSecrets secrets)
{
    /// <summary>How many a team may have; an organization as many of its own.</summary>
    public const int EndpointsMax = 20;

    private static readonly Failure s_tooMany = new(
        FailureKind.Conflict, "webhook.limit", $"A team has at most {EndpointsMax} webhooks, and an organization as many of its own. Delete one first.");

    private static readonly Failure s_rotationRunning = new(
        FailureKind.Conflict,
        "webhook.rotation_running",
        "Its last rotation's overlap is not over: a receiver may know the secret before it only. Wait, or drop the old ones at once with overlap_seconds 0.");

    /// <summary>404 <c>webhook.not_found</c>: not there, or not the caller's.</summary>
    public static Failure NotFound { get; } = new(FailureKind.NotFound, "webhook.not_found", "There is no such webhook.");

    /// <summary>404 <c>team.not_found</c> or <c>organization.not_found</c>, 409 <c>webhook.limit</c>.</summary>
    /// <param name="work">Whose repeat finds what it made, the secret included.</param>
    public async Task<Result<IssuedWebhook>> RegisterAsync(NewWebhook webhook, IdempotentWork work, CancellationToken cancellation)
    {
        if (work.Recall<MadeSecret>() is { } made)
        {
            return (await FindAsync(work.Id, null, cancellation)).Map(endpoint => new IssuedWebhook(endpoint, made.Secret));
        }

        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        var organization = webhook.OrganizationId;
        if (webhook.TeamId is { } team)
        {
            organization = await db.Teams.Where(t => t.TeamId == team).Select(t => t.OrganizationId).SingleOrDefaultAsync(cancellation);
            if (organization is null || (webhook.OrganizationId is { } named && named != organization))
            {
                return TeamService.NotFound;
            }
        }

        if (!await db.LockOrganizationAsync(organization!, cancellation))
        {
            return OrganizationService.NotFound;
        }

        if (await db.WebhookEndpoints.CountAsync(e => e.OrganizationId == organization && e.TeamId == webhook.TeamId, cancellation) >= EndpointsMax)
        {
            return s_tooMany;
        }

        var (shown, stored) = secrets.New(work.Id);
        var created = await db.WebhookEndpoints.FromSql($"""
            INSERT INTO webhook_endpoints (endpoint_id, organization_id, team_id, url, events, description, secret)
            VALUES ({work.Id}, {organization}, {webhook.TeamId}, {webhook.Url}, {webhook.Events}, {webhook.Description}, {stored})
            RETURNING *
            """).AsNoTracking().ToListAsync(cancellation);
        await db.RefreshJobEventsAsync(organization!, webhook.TeamId, cancellation);
        await work.KeepAsync(db, new MadeSecret(shown), cancellation);
        await transaction.CommitAsync(cancellation);
        return new IssuedWebhook(created[0], shown);
    }

    /// <summary>404 <c>webhook.not_found</c>.</summary>
    public async Task<Result<WebhookEndpoint>> FindAsync(Guid endpointId, string? teamId, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var found = await db.WebhookEndpoints.AsNoTracking()
            .SingleOrDefaultAsync(e => e.EndpointId == endpointId && (teamId == null || e.TeamId == teamId), cancellation);
        return found is not null ? found : NotFound;
    }

    /// <summary>By id, which is the order they were made in.</summary>
    public async Task<Page<WebhookEndpoint>> ListAsync(WebhookFilter filter, PageQuery page, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var endpoints = filter.Apply(db.WebhookEndpoints.AsNoTracking());
        if (page.After is not null && Guid.TryParse(page.After, out var after))
        {
            endpoints = page.Descending ? endpoints.Where(e => e.EndpointId < after) : endpoints.Where(e => e.EndpointId > after);
        }

        var ordered = page.Descending ? endpoints.OrderByDescending(e => e.EndpointId) : endpoints.OrderBy(e => e.EndpointId);
        return Page.From(await ordered.Take(page.Limit + 1).ToListAsync(cancellation), page.Limit, e => e.EndpointId.ToString());
    }

    /// <summary>What is null stays as it is; the next try goes by it. A new URL has not failed yet. 404 <c>webhook.not_found</c>.</summary>
    public async Task<Result<WebhookEndpoint>> UpdateAsync(
        Guid endpointId, string? teamId, string? url, string[]? events, string? description, CancellationToken cancellation)
    {
        if (!(await FindAsync(endpointId, teamId, cancellation)).TryGet(out var endpoint, out var notFound))
        {
            return notFound;
        }

        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        await db.LockOrganizationAsync(endpoint.OrganizationId, cancellation);
        var updated = await db.WebhookEndpoints.FromSql($"""
            UPDATE webhook_endpoints
               SET url = coalesce({url}, url), events = coalesce({events}, events), description = coalesce({description}, description), updated_at = now(),
                   failing_since = CASE WHEN url = coalesce({url}, url) THEN failing_since END,
                   last_failed_at = CASE WHEN url = coalesce({url}, url) THEN last_failed_at END
             WHERE endpoint_id = {endpointId}
            RETURNING *
            """).AsNoTracking().ToListAsync(cancellation);
        if (updated is not [var one])
        {
            return NotFound;
        }

        await db.RefreshJobEventsAsync(endpoint.OrganizationId, endpoint.TeamId, cancellation);
        await transaction.CommitAsync(cancellation);
        return one;
    }

    /// <summary>With all that waits for it. 404 <c>webhook.not_found</c>.</summary>
    public async Task<Result<WebhookEndpoint>> DeleteAsync(Guid endpointId, string? teamId, CancellationToken cancellation)
    {
        if (!(await FindAsync(endpointId, teamId, cancellation)).TryGet(out var endpoint, out var notFound))
        {
            return notFound;
        }

        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        await db.LockOrganizationAsync(endpoint.OrganizationId, cancellation);
        await db.Database.ExecuteSqlAsync($"DELETE FROM webhook_endpoints WHERE endpoint_id = {endpointId}", cancellation);
        await db.RefreshJobEventsAsync(endpoint.OrganizationId, endpoint.TeamId, cancellation);
        await transaction.CommitAsync(cancellation);
        return endpoint;
    }

    /// <summary>
    /// <see cref="WebhookStatus.Paused"/>: what happens waits. <see cref="WebhookStatus.Active"/>: what waits is sent, also by one that was
    /// switched off. The status it has changes nothing. 404 <c>webhook.not_found</c>.
    /// </summary>
    public async Task<Result<WebhookEndpoint>> SetStatusAsync(Guid endpointId, string? teamId, string status, CancellationToken cancellation)
    {
        await using (var db = await contexts.CreateDbContextAsync(cancellation))
        {
            // Due now, whatever it was: the claim finds out what really is.
            await db.Database.ExecuteSqlAsync($"""
                UPDATE webhook_endpoints SET status = {status}, status_reason = NULL, failing_since = NULL, last_failed_at = NULL, ready_at = ledger_now(), updated_at = now()
                 WHERE endpoint_id = {endpointId} AND ({teamId}::text IS NULL OR team_id = {teamId}) AND status <> {status}
                """, cancellation);
        }

        return await FindAsync(endpointId, teamId, cancellation);
    }

    /// <summary>
    /// A new secret; for <paramref name="overlap"/> deliveries bear the old one's signature too. Without an overlap the old ones sign no more.
    /// 404 <c>webhook.not_found</c>, 409 <c>webhook.rotation_running</c>.
    /// </summary>
    /// <param name="work">Whose repeat finds the secret that it made.</param>
    public async Task<Result<IssuedWebhook>> RotateSecretAsync(
        Guid endpointId, string? teamId, TimeSpan overlap, IdempotentWork work, CancellationToken cancellation)
    {
        if (work.Recall<MadeSecret>() is { } made)
        {
            return (await FindAsync(endpointId, teamId, cancellation)).Map(endpoint => new IssuedWebhook(endpoint, made.Secret));
        }

        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        var (shown, stored) = secrets.New(endpointId);
        var overlaps = overlap > TimeSpan.Zero;
        var updated = await db.WebhookEndpoints.FromSql($"""
            UPDATE webhook_endpoints
               SET secret = {stored}, updated_at = now(),
                   previous_secret = CASE WHEN {overlaps} THEN secret END, previous_until = CASE WHEN {overlaps} THEN ledger_now() + {overlap} END
             WHERE endpoint_id = {endpointId} AND ({teamId}::text IS NULL OR team_id = {teamId})
               AND (NOT {overlaps} OR previous_until IS NULL OR previous_until <= ledger_now())
            RETURNING *
            """).AsNoTracking().ToListAsync(cancellation);
        if (updated is not [var one])
        {
            return (await FindAsync(endpointId, teamId, cancellation)).Failure ?? s_rotationRunning;
        }

        await work.KeepAsync(db, new MadeSecret(shown), cancellation);
        await transaction.CommitAsync(cancellation);
        return new IssuedWebhook(one, shown);
    }

    // What a repeat of the request needs beside the row.
    private sealed record MadeSecret(string Secret)
    {
        // A record prints its members; a secret must not get into a log.
        public override string ToString() => nameof(MadeSecret);
    }
}

/// <summary>A webhook to make.</summary>
/// <param name="OrganizationId">Needed where there is no team; where there is one, its own.</param>
/// <param name="TeamId">Null: for all the organization's teams.</param>
/// <param name="Events">Each passes <see cref="WebhookEvents.IsFilter"/>.</param>
public sealed record NewWebhook(string? OrganizationId, string? TeamId, string Url, string[] Events, string Description = "");

/// <summary>A webhook with a new secret.</summary>
/// <param name="Secret">In plain text: to be shown now, never again.</param>
public sealed record IssuedWebhook(WebhookEndpoint Endpoint, string Secret)
{
    // A record prints its members; a secret must not get into a log.
    public override string ToString() => Endpoint.EndpointId.ToString();
}

/// <summary>Which webhooks; null is any.</summary>
public sealed record WebhookFilter(string? OrganizationId = null, string? TeamId = null, string? Status = null)
{
    internal IQueryable<WebhookEndpoint> Apply(IQueryable<WebhookEndpoint> endpoints)
    {
        endpoints = OrganizationId is null ? endpoints : endpoints.Where(e => e.OrganizationId == OrganizationId);
        endpoints = TeamId is null ? endpoints : endpoints.Where(e => e.TeamId == TeamId);
        return Status is null ? endpoints : endpoints.Where(e => e.Status == Status);
    }
}
