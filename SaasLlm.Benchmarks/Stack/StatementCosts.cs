using System.Globalization;
using Npgsql;
using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Benchmarks.Stack;

/// <summary>Where Postgres' time goes, by statement (pg_stat_statements).</summary>
internal static class StatementCosts
{
    /// <summary>The setting that the server must be started with.</summary>
    public const string Setting = "shared_preload_libraries=pg_stat_statements";

    private const int Shown = 16;
    private const int TextLength = 70;

    private const string Sql = """
        SELECT query, calls, rows, total_exec_time, shared_blks_hit, wal_bytes::bigint
          FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT $1
        """;

    public static async Task StartAsync(string postgres, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(postgres);
        await using var command = source.CreateCommand("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
        await command.ExecuteNonQueryAsync(cancellation);
    }

    public static async Task<Table> ReadAsync(string postgres, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(postgres);
        await using var command = source.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Shown });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var table = new Table("statement", "total ms", "calls", "rows", "µs a row", "pages a row", "WAL bytes a row");
        while (await reader.ReadAsync(cancellation))
        {
            var text = string.Join(' ', reader.GetString(0).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            var (calls, rows, total) = (reader.GetInt64(1), reader.GetInt64(2), reader.GetDouble(3));
            var per = Math.Max(1, rows);
            table.Add(
                text.Length <= TextLength ? text : text[..TextLength], Text(total, "0"), Text(calls, "0"), Text(rows, "0"),
                Text(total * 1000 / per, "0.0"), Text((double)reader.GetInt64(4) / per, "0.0"), Text((double)reader.GetInt64(5) / per, "0"));
        }

        return table;
    }

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}
