using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Webhooks.Delivery;

/// <summary>Queues the outbox's messages for the endpoints that want them; what nobody wants is done with. Any number may run at once.</summary>
public sealed class RelayOutboxPass(NpgsqlDataSource source, IOptions<WebhookOptions> options) : IBackgroundPass
{
    public TimeSpan Interval => options.Value.PollInterval;

    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        var size = options.Value.RelayBatchSize;
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using var batch = new NpgsqlBatch(connection, transaction);
        batch.Add(WebhookSql.Settings);
        batch.Add(WebhookSql.Relay, Sql.Value(size), Sql.Value(WebhookEvents.ByName));
        await batch.ExecuteNonQueryAsync(cancellation);
        var relayed = batch.BatchCommands[1].RecordsAffected;
        await transaction.CommitAsync(cancellation);
        return relayed == size;
    }
}
