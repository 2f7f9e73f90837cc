using Npgsql;
using NpgsqlTypes;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>Short forms for batches of statements with positional array parameters.</summary>
internal static class Sql
{
    public static void Add(this NpgsqlBatch batch, string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        batch.BatchCommands.Add(command);
    }

    /// <summary>Adds a statement for a set of rows, whose columns are then to be named; null, and no statement, where there are none.</summary>
    public static RowSet<TRow>? AddRows<TRow>(this NpgsqlBatch batch, string sql, IReadOnlyList<TRow> rows)
    {
        if (rows.Count == 0)
        {
            return null;
        }

        var command = new NpgsqlBatchCommand(sql);
        batch.BatchCommands.Add(command);
        return new(command, rows);
    }

    /// <summary>One column of a set of rows, for <c>unnest</c>.</summary>
    public static NpgsqlParameter Column<TRow, TValue>(IReadOnlyList<TRow> rows, NpgsqlDbType type, Func<TRow, TValue> value)
    {
        var values = new TValue[rows.Count];
        for (var index = 0; index < values.Length; index++)
        {
            values[index] = value(rows[index]);
        }

        return new NpgsqlParameter<TValue[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };
    }

    public static NpgsqlParameter Value<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };
}
