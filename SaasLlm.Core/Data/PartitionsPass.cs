using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Data.Retention;

namespace SaasLlm.Core.Data;

/// <summary>Keeps the next months' and weeks' partitions ready.</summary>
public sealed partial class PartitionsPass(NpgsqlDataSource source, IOptions<RetentionOptions> options, ILogger<PartitionsPass> logger) : IScheduledPass
{
    private const int MonthsAhead = 3;

    // The 90 days that bodies are kept at most, and two weeks in which nobody made any.
    private const int WeeksOfBodiesAhead = 15;

    public TimeSpan Interval => TimeSpan.FromDays(1);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        foreach (var (table, sql) in await StatementsAsync(connection, cancellation))
        {
            try
            {
                await using var transaction = await connection.BeginTransactionAsync(cancellation);
                await ExecuteAsync(connection, $"SET LOCAL lock_timeout = {(int)options.Value.LockTimeout.TotalMilliseconds}", cancellation);
                await ExecuteAsync(connection, sql, cancellation);
                await transaction.CommitAsync(cancellation);
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                // Whoever waits for such a lock holds up all who come after: it is not tried again soon, and there are months of days for it.
                LogUsed(table);
            }
        }

        return false;
    }

    /// <summary>Makes all that are missing, however long others use their tables.</summary>
    internal static async Task MakeAllAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        foreach (var (_, sql) in await StatementsAsync(connection, cancellation))
        {
            await ExecuteAsync(connection, sql, cancellation);
        }
    }

    // Each to be a transaction: who works in several of the tables takes them in an order of its own, and so waits for one of them at most.
    private static async Task<List<(string Table, string Sql)>> StatementsAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        List<(string Table, string Sql)> statements = [];
        await using var command = new NpgsqlCommand(
            $"SELECT parent::text, format('SELECT ensure_partitions(%L, {MonthsAhead})', parent) FROM monthly_tables() AS parent", connection);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        while (await rows.ReadAsync(cancellation))
        {
            statements.Add((rows.GetString(0), rows.GetString(1)));
        }

        statements.Add(("llm_call_bodies", $"SELECT ensure_body_partitions({WeeksOfBodiesAhead})"));
        return statements;
    }

    // Rows that the default partition took may have to move: that takes what it takes.
    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    [LoggerMessage(1035, LogLevel.Information, "{Table} needs a partition and is in use; it is made at a later run")]
    private partial void LogUsed(string table);
}
