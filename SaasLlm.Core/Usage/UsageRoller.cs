using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Usage;

/// <summary>
/// Rolls hours up, days out of their hours and months out of their days; an hour with what it closes is one transaction. The watermark's row is
/// the turn: whoever has it locked is the only one who writes.
/// </summary>
internal sealed class UsageRoller(NpgsqlDataSource source, IOptions<UsageOptions> options, UsageTelemetry telemetry)
{
    private const string Dimensions = "model_group, model, job_type, user_id";

    private static readonly string s_facts = UsageFacts.Of(
        "c.ended_at >= $1 AND c.ended_at < $2", "j.completed_at >= $1 AND j.completed_at < $2", "x.created_at >= $1 AND x.created_at < $2");

    /// <summary>An hour's rows, as the tables tell them.</summary>
    private static readonly string s_hour = $"""
        WITH facts AS MATERIALIZED ({s_facts})
        SELECT team_id, 'hour' AS grain, $1::timestamptz AS bucket, false AS per_user, model_group, model, job_type, '' AS user_id, {UsageFacts.Sums}
          FROM facts GROUP BY team_id, model_group, model, job_type
        UNION ALL
        SELECT team_id, 'hour', $1, true, model_group, '', job_type, user_id, {UsageFacts.Sums}
          FROM facts GROUP BY team_id, model_group, job_type, user_id
        """;

    private static readonly string s_columns = $"team_id, grain, bucket, per_user, {Dimensions}, {UsageFacts.Measures}";

    private static readonly string s_differs = $"""
        WITH told AS ({s_hour}), stored AS (SELECT {s_columns} FROM usage_rollups WHERE grain = 'hour' AND bucket = $1)
        SELECT EXISTS ((TABLE told EXCEPT TABLE stored) UNION ALL (TABLE stored EXCEPT TABLE told))
        """;

    // $3: the grain to make, of the rows of $4.
    private static readonly string s_coarsen = $"""
        INSERT INTO usage_rollups ({s_columns})
        SELECT team_id, $3, $1, per_user, {Dimensions}, {UsageFacts.Sums}
          FROM usage_rollups WHERE grain = $4 AND bucket >= $1 AND bucket < $2
         GROUP BY team_id, per_user, {Dimensions}
        """;

    private const string Watermark = "SELECT rolled_until, kept_from, ledger_now() FROM usage_watermark";

    private const string Delete = "DELETE FROM usage_rollups WHERE grain = $1 AND bucket = $2";

    // The first hour there is anything of. Read whole, once: what is there then is little, or the first run after an update.
    private const string FirstHour = """
        SELECT date_trunc('hour', least(ledger_now(),
          (SELECT min(created_at) FROM credit_transactions), (SELECT min(ended_at) FROM llm_calls), (SELECT min(completed_at) FROM jobs)), 'UTC')
        """;

    // Pages that no range tells of yet would be read for every hour.
    private const string Summarize = """
        SELECT sum(brin_summarize_new_values(i.oid)) FROM pg_class i
          JOIN pg_index x ON x.indexrelid = i.oid
          JOIN pg_am a ON a.oid = i.relam AND a.amname = 'brin'
         WHERE i.relkind = 'i' AND i.relnamespace = current_schema()::regnamespace
        """;

    /// <summary>Rolls up the next hour that is closed; false when none is.</summary>
    public async Task<bool> RollNextAsync(CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var (hour, _, now) = await ReadAsync(connection, $"{Watermark} FOR UPDATE", cancellation);
        var first = hour ?? (DateTimeOffset)(DateTime)(await ScalarAsync(connection, FirstHour, cancellation))!;
        if (first.AddHours(1) + options.Value.Grace > now)
        {
            return false;
        }

        await WriteHourAsync(connection, first, cancellation);
        await CoarsenClosedAsync(connection, first, first.AddHours(1), cancellation);
        await ExecuteAsync(connection, "UPDATE usage_watermark SET rolled_until = $1", cancellation, Sql.Value(first.AddHours(1)));
        await transaction.CommitAsync(cancellation);
        telemetry.Rolled();
        return true;
    }

    /// <summary>The hours that are closed, newest first, within <paramref name="window"/>.</summary>
    public async Task<IReadOnlyList<DateTimeOffset>> ClosedHoursAsync(TimeSpan window, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        var (until, kept, _) = await ReadAsync(connection, Watermark, cancellation);
        return until is not { } closed
            ? []
            : [.. Enumerable.Range(1, (int)window.TotalHours).Select(hours => closed.AddHours(-hours)).Where(hour => kept is null || hour >= kept)];
    }

    /// <summary>Holds a closed hour against the tables, and makes it and what it is part of anew where they differ. True: they did.</summary>
    public async Task<bool> RecheckAsync(DateTimeOffset hour, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        if (!await DiffersAsync(connection, hour, cancellation))
        {
            return false;
        }

        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var (until, kept, _) = await ReadAsync(connection, $"{Watermark} FOR UPDATE", cancellation);
        // Another may have been faster; and what is dropped cannot be told again.
        if (until is not { } closed || hour >= closed || hour < kept || !await DiffersAsync(connection, hour, cancellation))
        {
            return false;
        }

        await WriteHourAsync(connection, hour, cancellation);
        await CoarsenClosedAsync(connection, hour, closed, cancellation);
        await transaction.CommitAsync(cancellation);
        telemetry.Corrected();
        return true;
    }

    /// <summary>Tells the indexes that find an hour's rows of what was added since.</summary>
    public async Task SummarizeAsync(CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await ExecuteAsync(connection, Summarize, cancellation);
    }

    private async Task<(DateTimeOffset? RolledUntil, DateTimeOffset? KeptFrom, DateTimeOffset Now)> ReadAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = Command(connection, sql);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        return (
            row.IsDBNull(0) ? null : row.GetFieldValue<DateTimeOffset>(0), row.IsDBNull(1) ? null : row.GetFieldValue<DateTimeOffset>(1),
            row.GetFieldValue<DateTimeOffset>(2));
    }

    private async Task<bool> DiffersAsync(NpgsqlConnection connection, DateTimeOffset hour, CancellationToken cancellation)
        => (bool)(await ScalarAsync(connection, s_differs, cancellation, Sql.Value(hour), Sql.Value(hour.AddHours(1))))!;

    private async Task WriteHourAsync(NpgsqlConnection connection, DateTimeOffset hour, CancellationToken cancellation)
    {
        await ExecuteAsync(connection, Delete, cancellation, Sql.Value(UsageGrain.Hour), Sql.Value(hour));
        await ExecuteAsync(connection, $"INSERT INTO usage_rollups ({s_columns}) {s_hour}", cancellation, Sql.Value(hour), Sql.Value(hour.AddHours(1)));
    }

    // The day and the month that the hour is part of, as far as they are over.
    private async Task CoarsenClosedAsync(NpgsqlConnection connection, DateTimeOffset hour, DateTimeOffset closed, CancellationToken cancellation)
    {
        foreach (var (grain, finer) in new[] { (UsageGrain.Day, UsageGrain.Hour), (UsageGrain.Month, UsageGrain.Day) })
        {
            var from = UsageGrain.Floor(grain, hour);
            var until = UsageGrain.Next(grain, from);
            if (until <= closed)
            {
                await ExecuteAsync(connection, Delete, cancellation, Sql.Value(grain), Sql.Value(from));
                await ExecuteAsync(connection, s_coarsen, cancellation, Sql.Value(from), Sql.Value(until), Sql.Value(grain), Sql.Value(finer));
            }
        }
    }

    private NpgsqlCommand Command(NpgsqlConnection connection, string sql, params NpgsqlParameter[] values)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = (int)options.Value.StatementTimeout.TotalSeconds };
        command.Parameters.AddRange(values);
        return command;
    }

    private async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation, params NpgsqlParameter[] values)
    {
        await using var command = Command(connection, sql, values);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation, params NpgsqlParameter[] values)
    {
        await using var command = Command(connection, sql, values);
        return await command.ExecuteScalarAsync(cancellation);
    }
}
