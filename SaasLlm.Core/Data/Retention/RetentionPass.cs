using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Data.Retention;

/// <summary>
/// Drops months, and weeks of bodies, that are past their time, whole: no row is deleted. Calls go only after all that they used is rolled up, events only after all
/// of them were passed on, and delivered where somebody still waits for them.
/// </summary>
public sealed partial class RetentionPass(NpgsqlDataSource source, IOptions<RetentionOptions> options, ILogger<RetentionPass> logger) : IScheduledPass
{
    // A call is in the month in which it began, by the clock of its machine, and counts in the hour in which it ended.
    private static readonly TimeSpan s_overhang = TimeSpan.FromDays(2);

    private const string Partitions = """
        SELECT c.relname, p.relname FROM pg_inherits i
          JOIN pg_class c ON c.oid = i.inhrelid
          JOIN pg_class p ON p.oid = i.inhparent
         WHERE p.relkind = 'p' AND c.relkind = 'r' AND p.relnamespace = 'public'::regnamespace
         ORDER BY c.relname
        """;

    public TimeSpan Interval => TimeSpan.FromHours(12);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        List<string> waiting = [];
        foreach (var partition in await DueAsync(cancellation))
        {
            try
            {
                if (await DropAsync(partition, cancellation))
                {
                    LogDropped(partition.Name);
                }
                else
                {
                    waiting.Add(partition.Name);
                }
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                // Whoever waits for such a lock holds up all who come after: it is not tried again soon.
                LogUsed(partition.Name);
            }
        }

        await ForgetStrayBodiesAsync(cancellation);
        return waiting.Count == 0 ? false : throw new PassFailedException($"These are past their time, and are not rolled up or not delivered: {string.Join(", ", waiting)}");
    }

    private async Task<List<DatedPartition>> DueAsync(CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        DateTimeOffset now;
        await using (var clock = new NpgsqlCommand("SELECT ledger_now()", connection))
        {
            now = new((DateTime)(await clock.ExecuteScalarAsync(cancellation))!, TimeSpan.Zero);
        }

        await using var command = new NpgsqlCommand(Partitions, connection);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<DatedPartition> due = [];
        while (await rows.ReadAsync(cancellation))
        {
            if (DatedPartition.Of(rows.GetString(0), rows.GetString(1)) is { } partition && EndOf(partition) <= now)
            {
                due.Add(partition);
            }
        }

        return due;
    }

    private DateTimeOffset EndOf(DatedPartition partition)
        => partition.HoldsCalls ? partition.Until.AddMonths(options.Value.CallMonths)
            : partition.HoldsEvents ? partition.Until.AddMonths(options.Value.EventMonths)
            : partition.HoldsBodies ? partition.Until
            : DateTimeOffset.MaxValue;

    // False: there is something in it that is needed still.
    private async Task<bool> DropAsync(DatedPartition partition, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await ExecuteAsync(connection, $"SET LOCAL lock_timeout = {(int)options.Value.LockTimeout.TotalMilliseconds}", cancellation);
        if (partition.HoldsCalls && !await KeepFromAsync(connection, partition, cancellation))
        {
            return false;
        }

        // Asked before the lock too: whoever uses the table does not wait for an answer that is no.
        if (partition.HoldsEvents && await WaitsAsync(connection, partition, cancellation))
        {
            return false;
        }

        await ExecuteAsync(connection, $"LOCK TABLE {partition.Parent} IN ACCESS EXCLUSIVE MODE", cancellation);
        if (partition.HoldsEvents && await WaitsAsync(connection, partition, cancellation))
        {
            return false;
        }

        var lost = partition.Parent == "webhook_deliveries" ? await CountPendingAsync(connection, partition, cancellation) : 0;
        await ExecuteAsync(connection, $"DROP TABLE {partition.Name}", cancellation);
        await transaction.CommitAsync(cancellation);
        if (lost > 0)
        {
            LogLost(partition.Name, lost);
        }

        return true;
    }

    // Of weeks that were over before anybody made them.
    private async Task ForgetStrayBodiesAsync(CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        if (await ExecuteAsync(connection, "DELETE FROM llm_call_bodies_default WHERE expires_at <= ledger_now()", cancellation) is > 0 and var count)
        {
            LogStray(count);
        }
    }

    // Events that were not passed on, or of which a webhook is to hear still; one that is paused, switched off or deleted holds up nothing.
    private static async Task<bool> WaitsAsync(NpgsqlConnection connection, DatedPartition partition, CancellationToken cancellation)
    {
        var (outbox, deliveries) = (partition.NameIn("outbox"), partition.NameIn("webhook_deliveries"));
        if (await IsThereAsync(connection, outbox, cancellation)
            && await HasAnyAsync(connection, $"SELECT 1 FROM {outbox} WHERE relayed_at IS NULL", cancellation))
        {
            return true;
        }

        return partition.Parent != "outbox" && await IsThereAsync(connection, deliveries, cancellation) && await HasAnyAsync(
            connection,
            $"SELECT 1 FROM {deliveries} d JOIN webhook_endpoints e USING (endpoint_id) WHERE d.state = 'pending' AND e.status = 'active'",
            cancellation);
    }

    private static Task<bool> IsThereAsync(NpgsqlConnection connection, string table, CancellationToken cancellation)
        => HasAnyAsync(connection, $"SELECT 1 WHERE to_regclass('{table}') IS NOT NULL", cancellation);

    private static async Task<long> CountPendingAsync(NpgsqlConnection connection, DatedPartition partition, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"SELECT count(*) FROM {partition.Name} WHERE state = 'pending'", connection);
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    // The roll-ups of its hours are all there is from now on: nobody holds them against the tables again.
    private static async Task<bool> KeepFromAsync(NpgsqlConnection connection, DatedPartition partition, CancellationToken cancellation)
    {
        var kept = partition.Until + s_overhang;
        return await ExecuteAsync(
            connection, "UPDATE usage_watermark SET kept_from = greatest(kept_from, $1) WHERE rolled_until >= $1", cancellation, Sql.Value(kept)) == 1;
    }

    private static async Task<bool> HasAnyAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"SELECT EXISTS ({sql})", connection);
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation, params NpgsqlParameter[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(values);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    [LoggerMessage(1031, LogLevel.Information, "Dropped {Partition}: it was past its time")]
    private partial void LogDropped(string partition);

    [LoggerMessage(1032, LogLevel.Warning, "With {Partition} went {Count} deliveries that waited for webhooks which are paused, switched off or deleted")]
    private partial void LogLost(string partition, long count);

    [LoggerMessage(1034, LogLevel.Warning, "{Count} bodies of calls whose week had no partition were past their time and are deleted: does the partitions task run?")]
    private partial void LogStray(int count);

    [LoggerMessage(1033, LogLevel.Information, "{Partition} is past its time and in use; it is dropped at a later run")]
    private partial void LogUsed(string partition);
}
