using System.Text.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Webhooks.Delivery;

/// <summary>Claims deliveries and writes what their tries found.</summary>
internal sealed class DeliveryStore(NpgsqlDataSource source, IOptions<WebhookOptions> options, TimeProvider time)
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>At most <paramref name="max"/>, fairly between endpoints, leased to the caller.</summary>
    public async Task<Claimed> ClaimAsync(int max, CancellationToken cancellation)
    {
        var each = Math.Min(options.Value.EndpointTriesMax, max);
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var ready = await LockReadyAsync(connection, max / each, cancellation);
        if (ready.Length == 0)
        {
            return new([], TimeSpan.Zero);
        }

        var token = Uuid7.New(time);
        await using var batch = new NpgsqlBatch(connection, transaction);
        batch.Add(WebhookSql.Settings);
        batch.Add(WebhookSql.Claim, Sql.Value(ready), Sql.Value(each), Sql.Value(token), Sql.Value(options.Value.Lease));
        batch.Add(WebhookSql.SetReady, Sql.Value(ready), Sql.Value(options.Value.EndpointTriesMax));
        List<DueDelivery> claimed = [];
        var oldest = 0.0;
        await using (var rows = await batch.ExecuteReaderAsync(cancellation))
        {
            await rows.NextResultAsync(cancellation);
            while (await rows.ReadAsync(cancellation))
            {
                claimed.Add(new(
                    rows.GetGuid(0), rows.GetGuid(1), token, rows.GetString(2), rows.GetString(3), rows.GetInt32(4), rows.GetString(5),
                    rows.GetFieldValue<byte[]>(6), rows.IsDBNull(7) ? null : rows.GetFieldValue<byte[]>(7)));
                oldest = Math.Max(oldest, rows.GetDouble(8));
            }
        }

        await transaction.CommitAsync(cancellation);
        return new(claimed, TimeSpan.FromSeconds(oldest));
    }

    /// <summary>
    /// What tries found, in one transaction; nothing of those whose lease another runner has taken over. Answers the endpoints that were
    /// switched off by it.
    /// </summary>
    public async Task<IReadOnlyList<DisabledWebhook>> SaveAsync(IReadOnlyList<FinishedTry> tries, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var saved = await SaveTriesAsync(connection, tries, cancellation);
        List<DisabledWebhook> disabled = [];
        if (saved.Count > 0)
        {
            disabled = await JudgeAsync(connection, [.. tries.Where(found => saved.Contains((found.Delivery.EndpointId, found.Delivery.MessageId)))], cancellation);
            foreach (var endpoint in disabled)
            {
                await RaiseAsync(connection, endpoint, cancellation);
            }
        }

        await transaction.CommitAsync(cancellation);
        return disabled;
    }

    private static async Task<Guid[]> LockReadyAsync(NpgsqlConnection connection, int max, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(WebhookSql.LockReady, connection) { Parameters = { Sql.Value(max) } };
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<Guid> ready = [];
        while (await rows.ReadAsync(cancellation))
        {
            ready.Add(rows.GetGuid(0));
        }

        return [.. ready];
    }

    private static async Task<HashSet<(Guid, Guid)>> SaveTriesAsync(
        NpgsqlConnection connection, IReadOnlyList<FinishedTry> tries, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(WebhookSql.Settings);
        batch.Add(WebhookSql.LockEndpoints, Sql.Value(tries.Select(found => found.Delivery.EndpointId).Distinct().ToArray()));
        batch.Add(
            WebhookSql.SaveTries,
            Sql.Column(tries, NpgsqlDbType.Uuid, found => found.Delivery.EndpointId),
            Sql.Column(tries, NpgsqlDbType.Uuid, found => found.Delivery.MessageId),
            Sql.Column(tries, NpgsqlDbType.Uuid, found => found.Delivery.LeaseToken),
            Sql.Column(tries, NpgsqlDbType.Text, found => found.State),
            Sql.Column(tries, NpgsqlDbType.Interval, found => found.Delay),
            Sql.Column(tries, NpgsqlDbType.Integer, found => found.Answer.HttpStatus),
            Sql.Column(tries, NpgsqlDbType.Text, found => found.Answer.Error),
            Sql.Column(tries, NpgsqlDbType.Integer, found => (int)found.Answer.Latency.TotalMilliseconds),
            Sql.Column(tries, NpgsqlDbType.Text, found => found.Answer.Excerpt),
            Sql.Column(tries, NpgsqlDbType.Text, found => found.Delivery.Url));
        await using var rows = await batch.ExecuteReaderAsync(cancellation);
        await rows.NextResultAsync(cancellation);
        await rows.NextResultAsync(cancellation);
        HashSet<(Guid, Guid)> saved = [];
        while (await rows.ReadAsync(cancellation))
        {
            saved.Add((rows.GetGuid(0), rows.GetGuid(1)));
        }

        return saved;
    }

    private async Task<List<DisabledWebhook>> JudgeAsync(NpgsqlConnection connection, List<FinishedTry> saved, CancellationToken cancellation)
    {
        // By URL too: at most one of them is the endpoint's own still.
        var endpoints = saved.GroupBy(found => (found.Delivery.EndpointId, found.Delivery.Url)).ToList();
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(
            WebhookSql.JudgeEndpoints,
            Sql.Column(endpoints, NpgsqlDbType.Uuid, endpoint => endpoint.Key.EndpointId),
            Sql.Column(endpoints, NpgsqlDbType.Text, endpoint => endpoint.Key.Url),
            Sql.Column(endpoints, NpgsqlDbType.Boolean, endpoint => endpoint.Any(found => found.Answer.IsDelivered)),
            Sql.Column(endpoints, NpgsqlDbType.Boolean, endpoint => endpoint.Any(found => found.IsGone)),
            Sql.Value(options.Value.DisableAfter),
            Sql.Value(RetrySchedule.QuietMax));
        batch.Add(
            WebhookSql.SetReady, Sql.Value(saved.Select(found => found.Delivery.EndpointId).Distinct().ToArray()), Sql.Value(options.Value.EndpointTriesMax));
        await using var rows = await batch.ExecuteReaderAsync(cancellation);
        List<DisabledWebhook> disabled = [];
        while (await rows.ReadAsync(cancellation))
        {
            if (!rows.IsDBNull(4))
            {
                disabled.Add(new(
                    rows.GetGuid(0), rows.GetString(1), rows.IsDBNull(2) ? null : rows.GetString(2), rows.GetString(3), rows.GetString(4),
                    rows.IsDBNull(5) ? null : rows.GetFieldValue<DateTimeOffset>(5)));
            }
        }

        return disabled;
    }

    private async Task RaiseAsync(NpgsqlConnection connection, DisabledWebhook endpoint, CancellationToken cancellation)
    {
        var message = Uuid7.New(time);
        await using var command = new NpgsqlCommand(WebhookSql.RaiseDisabled, connection)
        {
            Parameters =
            {
                Sql.Value(message),
                Sql.Value(endpoint.OrganizationId),
                new() { Value = (object?)endpoint.TeamId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                Sql.Value(WebhookEvents.Disabled),
                Sql.Value($"webhook:{endpoint.WebhookId}:disabled:{message}"),
                Sql.Value(JsonSerializer.Serialize(endpoint, s_json)),
            },
        };
        await command.ExecuteNonQueryAsync(cancellation);
    }
}

/// <summary>What a claim took.</summary>
/// <param name="OldestWait">How long the one of them that waited longest had been due.</param>
internal sealed record Claimed(IReadOnlyList<DueDelivery> Deliveries, TimeSpan OldestWait);

/// <summary>An endpoint that was switched off, as its event says it.</summary>
internal sealed record DisabledWebhook(
    Guid WebhookId, string OrganizationId, string? TeamId, string Url, string Reason, DateTimeOffset? FailingSince);
