using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Writing;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Pricing;

/// <summary>Reads the price book for the operator, from Postgres.</summary>
public sealed class PriceReader(NpgsqlDataSource database, IDbContextFactory<SaasLlmDbContext> contexts)
{
    /// <summary>How much of a model's history is shown.</summary>
    public const int HistoryMax = 200;

    /// <summary>404 <c>pricing.not_found</c>.</summary>
    public static Failure NotFound { get; } = new(FailureKind.NotFound, "pricing.not_found", "The price book says nothing of this model.");

    /// <summary>By name, the price of each model that counts.</summary>
    /// <param name="model">A part of the name, in any case; null is any.</param>
    /// <param name="source">Only where this source's price counts; null is any.</param>
    /// <param name="version">At this version; null is the newest.</param>
    public async Task<Page<BookPrice>> ListAsync(PageQuery page, string? model, string? source, long? version, CancellationToken cancellation)
    {
        var (beyond, order) = page.Descending ? ("<", "DESC") : (">", "ASC");
        await using var command = database.CreateCommand(
            $"{PriceSql.List} AND ($4::text IS NULL OR model_name COLLATE \"C\" {beyond} $4 COLLATE \"C\") ORDER BY model_name COLLATE \"C\" {order} LIMIT $5");
        command.Parameters.Add(Sql.Value(version ?? long.MaxValue));
        command.Parameters.Add(Text(model));
        command.Parameters.Add(Text(source));
        command.Parameters.Add(Text(page.After));
        command.Parameters.Add(Sql.Value(page.Limit + 1));
        return Page.From(await ReadAsync(command, cancellation), page.Limit, price => price.ModelName);
    }

    /// <summary>All that was said of a model, the newest first, and what counts of it. 404 <c>pricing.not_found</c>.</summary>
    public async Task<Result<PricedModelHistory>> FindAsync(string model, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(PriceSql.History);
        command.Parameters.Add(Sql.Value(model));
        command.Parameters.Add(Sql.Value(HistoryMax));
        var history = await ReadAsync(command, cancellation);
        return history.Count == 0 ? NotFound : new PricedModelHistory(await CurrentAsync(model, cancellation), history);
    }

    /// <summary>By number.</summary>
    /// <param name="source">Only this source's; null is any.</param>
    public async Task<Page<CountedVersion>> VersionsAsync(PageQuery page, string? source, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var versions = db.PriceVersions.AsNoTracking().Where(version => source == null || version.Source == source);
        if (page.After is not null)
        {
            var after = long.Parse(page.After, CultureInfo.InvariantCulture);
            versions = page.Descending ? versions.Where(version => version.Version < after) : versions.Where(version => version.Version > after);
        }

        var ordered = page.Descending ? versions.OrderByDescending(version => version.Version) : versions.OrderBy(version => version.Version);
        var rows = await ordered.Take(page.Limit + 1)
            .Select(version => new CountedVersion(version, db.ModelPrices.Count(price => price.Version == version.Version))).ToListAsync(cancellation);
        return Page.From(rows, page.Limit, row => row.Version.Version.ToString(CultureInfo.InvariantCulture));
    }

    private async Task<BookPrice?> CurrentAsync(string model, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand($"{PriceSql.List} AND model_name = $4");
        command.Parameters.Add(Sql.Value(long.MaxValue));
        command.Parameters.Add(Text(null));
        command.Parameters.Add(Text(null));
        command.Parameters.Add(Text(model));
        return (await ReadAsync(command, cancellation)).SingleOrDefault();
    }

    private static NpgsqlParameter<string?> Text(string? value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text };

    private static async Task<List<BookPrice>> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var prices = new List<BookPrice>();
        while (await rows.ReadAsync(cancellation))
        {
            prices.Add(new(
                rows.GetString(0), PriceSql.Price(rows, 1), rows.GetInt64(7), rows.GetString(8), rows.GetString(9),
                rows.IsDBNull(10) ? null : rows.GetString(10), rows.GetFieldValue<DateTimeOffset>(11)));
        }

        return prices;
    }
}

/// <summary>What a version says of a model.</summary>
/// <param name="Price">Null: the source took its price back.</param>
public sealed record BookPrice(
    string ModelName, ModelPrice? Price, long Version, string Source, string Reason, string? SourceUrl, DateTimeOffset CreatedAt);

/// <param name="Current">What counts now; null: it has no price.</param>
public sealed record PricedModelHistory(BookPrice? Current, IReadOnlyList<BookPrice> History);

/// <param name="Models">How many models it says something of.</param>
public sealed record CountedVersion(PriceVersion Version, int Models);
