using Npgsql;
using NpgsqlTypes;
using SaasLlm.Core.Changes;
using SaasLlm.Core.ModelGroups;
using static SaasLlm.Core.Credits.Writing.Sql;

namespace SaasLlm.Core.Pricing;

/// <summary>Adds versions to the price book, and tells every replica.</summary>
public sealed class PriceWriter
{
    private readonly NpgsqlDataSource _database;
    private readonly LeasedRedisCache _shared;
    private readonly ChangeFeed _changes;
    private readonly string _newestKey;

    internal PriceWriter(NpgsqlDataSource database, LeasedRedisCache shared, ChangeFeed changes)
        => (_database, _shared, _changes, _newestKey) = (database, shared, changes, PriceKeys.Newest(PriceKeys.NameOf(database)));

    /// <summary>
    /// Adds a version with what differs from what its source stated last. Null: nothing does, and there is no new version.
    /// Versions are made one after another: their numbers are in the order of their commits.
    /// </summary>
    /// <param name="source">One of <see cref="PriceSource"/>.</param>
    /// <param name="states">Gets what the source states now; gives prices to state, or null to take one back.</param>
    /// <param name="sourceUrl">Where the prices can be looked up.</param>
    /// <exception cref="NpgsqlException">Postgres did not answer.</exception>
    public async Task<long?> WriteAsync(
        string source, string reason, Func<IReadOnlyDictionary<string, ModelPrice>, IReadOnlyDictionary<string, ModelPrice?>> states,
        CancellationToken cancellation, string? sourceUrl = null)
    {
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var turn = new NpgsqlCommand(PriceSql.TakeTurn, connection))
        {
            await turn.ExecuteNonQueryAsync(cancellation);
        }

        var standing = await StandingAsync(connection, source, cancellation);
        var differing = states(standing)
            .Select(stated => KeyValuePair.Create(stated.Key, stated.Value?.Rounded()))
            .Where(stated => stated.Value != standing.GetValueOrDefault(stated.Key))
            .OrderBy(stated => stated.Key, StringComparer.Ordinal).ToList();
        if (differing.Count == 0)
        {
            return null;
        }

        var version = await InsertAsync(connection, source, reason, sourceUrl, differing, cancellation);
        await transaction.CommitAsync(cancellation);
        if (!await _shared.ForgetAsync(_newestKey))
        {
            _changes.OweNotice();
        }

        await _changes.PublishAsync(ChangeTopic.Prices, source);
        return version;
    }

    /// <summary>What a source states now, by model.</summary>
    /// <exception cref="NpgsqlException">Postgres did not answer.</exception>
    public async Task<IReadOnlyDictionary<string, ModelPrice>> StandingAsync(string source, CancellationToken cancellation)
    {
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        return await StandingAsync(connection, source, cancellation);
    }

    private static async Task<IReadOnlyDictionary<string, ModelPrice>> StandingAsync(
        NpgsqlConnection connection, string source, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(PriceSql.Standing, connection) { Parameters = { Value(source) } };
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var standing = new Dictionary<string, ModelPrice>(StringComparer.Ordinal);
        while (await rows.ReadAsync(cancellation))
        {
            if (PriceSql.Price(rows, 1) is { } price)
            {
                standing.Add(rows.GetString(0), price);
            }
        }

        return standing;
    }

    private static async Task<long> InsertAsync(
        NpgsqlConnection connection, string source, string reason, string? sourceUrl, List<KeyValuePair<string, ModelPrice?>> rows, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(PriceSql.Insert, connection)
        {
            Parameters =
            {
                Value(source),
                Value(reason),
                Column(rows, NpgsqlDbType.Text, row => row.Key),
                Column(rows, NpgsqlDbType.Numeric, row => row.Value?.Input),
                Column(rows, NpgsqlDbType.Numeric, row => row.Value?.Output),
                Column(rows, NpgsqlDbType.Numeric, row => row.Value?.CachedInput),
                Column(rows, NpgsqlDbType.Numeric, row => row.Value?.CacheWrite),
                Column(rows, NpgsqlDbType.Numeric, row => row.Value?.Reasoning),
                Column(rows, NpgsqlDbType.Numeric, row => row.Value?.Request),
                new NpgsqlParameter<string?> { TypedValue = sourceUrl, NpgsqlDbType = NpgsqlDbType.Text },
            },
        };
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }
}
