using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;
using SaasLlm.Core.Idempotency;

namespace SaasLlm.Core.Webhooks;

/// <summary>
/// Reads what became of a webhook's messages, and sends them again. <c>teamId</c> is the team that asks; null is the operator.
/// </summary>
public sealed class DeliveryLog(IDbContextFactory<SaasLlmDbContext> contexts, WebhookService webhooks)
{
    /// <summary>The most messages that one request sends again.</summary>
    public const int ReplayMax = 1000;

    private static readonly Failure s_notFound = new(FailureKind.NotFound, "webhook_delivery.not_found", "There is no such delivery.");

    /// <summary>By message, which is the order they were raised in. 404 <c>webhook.not_found</c>.</summary>
    public async Task<Result<Page<WebhookDelivery>>> ListAsync(
        Guid endpointId, string? teamId, DeliveryFilter filter, PageQuery page, CancellationToken cancellation)
    {
        if ((await webhooks.FindAsync(endpointId, teamId, cancellation)).Failure is { } notFound)
        {
            return notFound;
        }

        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var deliveries = filter.Apply(db.WebhookDeliveries.AsNoTracking().Where(d => d.EndpointId == endpointId));
        if (page.After is not null && Guid.TryParse(page.After, out var after))
        {
            deliveries = page.Descending ? deliveries.Where(d => d.MessageId < after) : deliveries.Where(d => d.MessageId > after);
        }

        var ordered = page.Descending ? deliveries.OrderByDescending(d => d.MessageId) : deliveries.OrderBy(d => d.MessageId);
        return Page.From(await ordered.Take(page.Limit + 1).ToListAsync(cancellation), page.Limit, d => d.MessageId.ToString());
    }

    /// <summary>With its tries, oldest first. 404 <c>webhook.not_found</c>, <c>webhook_delivery.not_found</c>.</summary>
    public async Task<Result<LoggedDelivery>> FindAsync(Guid endpointId, string? teamId, Guid messageId, CancellationToken cancellation)
    {
        if ((await webhooks.FindAsync(endpointId, teamId, cancellation)).Failure is { } notFound)
        {
            return notFound;
        }

        await using var db = await contexts.CreateDbContextAsync(cancellation);
        if (await db.WebhookDeliveries.AsNoTracking().SingleOrDefaultAsync(d => d.EndpointId == endpointId && d.MessageId == messageId, cancellation)
            is not { } delivery)
        {
            return s_notFound;
        }

        return new LoggedDelivery(delivery, await db.WebhookAttempts.AsNoTracking()
            .Where(a => a.EndpointId == endpointId && a.MessageId == messageId).OrderBy(a => a.AttemptNumber).ToListAsync(cancellation));
    }

    /// <summary>Sends an event to this endpoint alone. 404 <c>webhook.not_found</c>.</summary>
    /// <param name="work">Its id is the message's: a repeat sends nothing more.</param>
    public async Task<Result<Guid>> SendTestAsync(Guid endpointId, string? teamId, IdempotentWork work, CancellationToken cancellation)
    {
        if (!(await webhooks.FindAsync(endpointId, teamId, cancellation)).TryGet(out var endpoint, out var notFound))
        {
            return notFound;
        }

        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        var rows = await db.Database.ExecuteSqlAsync($$"""
            INSERT INTO webhook_deliveries (endpoint_id, message_id, team_id, topic, body, occurred_at, due_at)
            SELECT {{endpointId}}, {{work.Id}}, {{endpoint.TeamId}}, {{WebhookEvents.Test}},
                   json_build_object('type', {{WebhookEvents.Test}}, 'timestamp', to_char(now AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                                     'data', json_build_object('webhook_id', {{endpointId}}, 'organization_id', {{endpoint.OrganizationId}}::text,
                                                               'team_id', {{endpoint.TeamId}}::text))::text,
                   now, now
              FROM ledger_now() AS now
                ON CONFLICT DO NOTHING
            """, cancellation);
        if (rows == 1)
        {
            await WakeAsync(db, endpointId, cancellation);
        }

        await transaction.CommitAsync(cancellation);
        return work.Id;
    }

    /// <summary>Begins a delivery anew, whatever became of it; one that waits for its next try is tried now, with the tries it has left. 404 <c>webhook.not_found</c>, <c>webhook_delivery.not_found</c>.</summary>
    /// <param name="work">Whose repeat sends nothing more.</param>
    public async Task<Result<Accepted>> ReplayAsync(
        Guid endpointId, string? teamId, Guid messageId, IdempotentWork work, CancellationToken cancellation)
    {
        if ((await FindAsync(endpointId, teamId, messageId, cancellation)).Failure is { } notFound)
        {
            return notFound;
        }

        if (work.Recall<Replayed>() is null)
        {
            await ReplayAsync(endpointId, _ => [messageId], work, cancellation);
        }

        return default(Accepted);
    }

    /// <summary>
    /// Begins anew what <paramref name="filter"/> names, oldest first, at most <see cref="ReplayMax"/> of it; what is pending goes on as it
    /// does. 404 <c>webhook.not_found</c>.
    /// </summary>
    /// <param name="after">Where the replay before this one ended.</param>
    /// <param name="work">Whose repeat sends nothing more.</param>
    public async Task<Result<Replayed>> ReplayAsync(
        Guid endpointId, string? teamId, ReplayFilter filter, Guid? after, IdempotentWork work, CancellationToken cancellation)
    {
        if ((await webhooks.FindAsync(endpointId, teamId, cancellation)).Failure is { } notFound)
        {
            return notFound;
        }

        return work.Recall<Replayed>() ?? await ReplayAsync(
            endpointId,
            db => filter.Apply(db.WebhookDeliveries.Where(d => d.EndpointId == endpointId && (after == null || d.MessageId > after)))
                .OrderBy(d => d.MessageId).Take(ReplayMax).Select(d => d.MessageId),
            work, cancellation);
    }

    private async Task<Replayed> ReplayAsync(
        Guid endpointId, Func<SaasLlmDbContext, IEnumerable<Guid>> messages, IdempotentWork work, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        // Whoever changes an endpoint's deliveries holds its row. What is pending bears a lease while it is tried, and is left alone.
        await db.Database.ExecuteSqlAsync($"SELECT FROM webhook_endpoints WHERE endpoint_id = {endpointId} FOR UPDATE", cancellation);
        var chosen = messages(db).ToArray();
        var count = await db.Database.ExecuteSqlAsync($"""
            UPDATE webhook_deliveries
               SET state = 'pending', tries = CASE WHEN state = 'pending' THEN tries ELSE 0 END, due_at = ledger_now(), lease_token = NULL, ended_at = NULL
             WHERE endpoint_id = {endpointId} AND message_id = ANY ({chosen}) AND (state <> 'pending' OR (lease_token IS NULL AND due_at > ledger_now()))
            """, cancellation);
        await WakeAsync(db, endpointId, cancellation);
        var replayed = new Replayed(count, chosen.Length < ReplayMax ? null : chosen[^1]);
        await work.KeepAsync(db, replayed, cancellation);
        await transaction.CommitAsync(cancellation);
        return replayed;
    }

    private static Task<int> WakeAsync(SaasLlmDbContext db, Guid endpointId, CancellationToken cancellation)
        => db.Database.ExecuteSqlAsync(
            $"UPDATE webhook_endpoints SET ready_at = least(ready_at, ledger_now()) WHERE endpoint_id = {endpointId}", cancellation);
}

/// <summary>A delivery and its tries.</summary>
public sealed record LoggedDelivery(WebhookDelivery Delivery, IReadOnlyList<WebhookAttempt> Attempts);

/// <summary>What a replay began anew.</summary>
/// <param name="After">Where the next one begins; null: there is no more.</param>
public sealed record Replayed(int Count, Guid? After);

/// <summary>Which deliveries of an endpoint; null is any. Times are those of the events.</summary>
public sealed record DeliveryFilter(string? State = null, string? Topic = null, DateTimeOffset? From = null, DateTimeOffset? To = null)
{
    internal IQueryable<WebhookDelivery> Apply(IQueryable<WebhookDelivery> deliveries)
    {
        deliveries = State is null ? deliveries : deliveries.Where(d => d.State == State);
        deliveries = Topic is null ? deliveries : deliveries.Where(d => d.Topic == Topic);
        deliveries = From is null ? deliveries : deliveries.Where(d => d.OccurredAt >= From);
        return To is null ? deliveries : deliveries.Where(d => d.OccurredAt < To);
    }
}

/// <summary>What to send again. Without states it is what failed: dead or dropped.</summary>
public sealed record ReplayFilter(bool Delivered = false, string? Topic = null, DateTimeOffset? From = null, DateTimeOffset? To = null)
{
    internal IQueryable<WebhookDelivery> Apply(IQueryable<WebhookDelivery> deliveries)
        => new DeliveryFilter(null, Topic, From, To).Apply(deliveries)
            .Where(d => d.State == WebhookDeliveryState.Dead || d.State == WebhookDeliveryState.Dropped
                        || (Delivered && d.State == WebhookDeliveryState.Delivered));
}
