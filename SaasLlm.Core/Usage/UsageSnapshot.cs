using System.Runtime.CompilerServices;
using Npgsql;

namespace SaasLlm.Core.Usage;

/// <summary>One moment's view of roll-ups and tables.</summary>
internal sealed class UsageSnapshot : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;
    private readonly DateTimeOffset? _rolledUntil;

    private UsageSnapshot(NpgsqlConnection connection, NpgsqlTransaction transaction, DateTimeOffset? rolledUntil)
        => (_connection, _transaction, _rolledUntil) = (connection, transaction, rolledUntil);

    /// <summary>Takes both over.</summary>
    public static async Task<UsageSnapshot> BeginAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT rolled_until FROM usage_watermark", connection);
        return new(connection, transaction, await command.ExecuteScalarAsync(cancellation) is DateTime until ? new DateTimeOffset(until, TimeSpan.Zero) : null);
    }

    public async Task<List<UsageRow>> ListAsync(UsageQuery query, IReadOnlyList<string>? after, int? limit, CancellationToken cancellation)
    {
        List<UsageRow> rows = [];
        await foreach (var row in ReadAsync(query, after, limit, cancellation))
        {
            rows.Add(row);
        }

        return rows;
    }

    public async IAsyncEnumerable<UsageRow> ReadAsync(
        UsageQuery query, IReadOnlyList<string>? after, int? limit, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var command = UsageSql.Command(_connection, query, _rolledUntil, after, limit);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        while (await rows.ReadAsync(cancellation))
        {
            yield return new([.. Enumerable.Range(0, query.GroupBy.Count).Select(rows.GetString)], Measures(rows, query.GroupBy.Count));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private static UsageMeasures Measures(NpgsqlDataReader row, int first)
    {
        return new(
            Count(), Count(), Count(), Count(), Count(), Count(), Count(), Count(), Count(), Count(), Count(), Count(), Amount(), Amount(), Amount(), Amount(),
            Amount(), Amount(), Count(), Count());

        long Count() => row.GetInt64(first++);

        decimal Amount() => row.GetDecimal(first++);
    }
}
