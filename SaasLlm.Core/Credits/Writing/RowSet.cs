using Npgsql;
using NpgsqlTypes;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>The parameters of a statement that writes a set of rows: a column each, in the statement's order, for <c>unnest</c>.</summary>
internal readonly struct RowSet<TRow>(NpgsqlBatchCommand command, IReadOnlyList<TRow> rows)
{
    public RowSet<TRow> Text<TValue>(Func<TRow, TValue> value) => Add(NpgsqlDbType.Text, value);

    public RowSet<TRow> Uuid<TValue>(Func<TRow, TValue> value) => Add(NpgsqlDbType.Uuid, value);

    public RowSet<TRow> Bytea<TValue>(Func<TRow, TValue> value) => Add(NpgsqlDbType.Bytea, value);

    public RowSet<TRow> Boolean<TValue>(Func<TRow, TValue> value) => Add(NpgsqlDbType.Boolean, value);

    public RowSet<TRow> Smallint<TValue>(Func<TRow, TValue> value) => Add(NpgsqlDbType.Smallint, value);

    public RowSet<TRow> Integer<TValue>(Func<TRow, TValue> value) => Add(NpgsqlDbType.Integer, value);

    public RowSet<TRow> Bigint<TValue>(Func<TRow, TValue> value) => Add(NpgsqlDbType.Bigint, value);

    public RowSet<TRow> Numeric<TValue>(Func<TRow, TValue> value) => Add(NpgsqlDbType.Numeric, value);

    public RowSet<TRow> Date<TValue>(Func<TRow, TValue> value) => Add(NpgsqlDbType.Date, value);

    public RowSet<TRow> TimestampTz<TValue>(Func<TRow, TValue> value) => Add(NpgsqlDbType.TimestampTz, value);

    /// <summary>One value for all rows.</summary>
    public RowSet<TRow> Value<TValue>(TValue value)
    {
        command.Parameters.Add(Sql.Value(value));
        return this;
    }

    private RowSet<TRow> Add<TValue>(NpgsqlDbType type, Func<TRow, TValue> value)
    {
        command.Parameters.Add(Sql.Column(rows, type, value));
        return this;
    }
}
