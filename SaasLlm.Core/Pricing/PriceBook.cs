using System.Globalization;
using Npgsql;
using SaasLlm.Core.Changes;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Pricing;

/// <summary>
/// Versions from memory ← Redis ← Postgres. A history is read with the number of the newest version; versions are only added, so what it says of
/// that one and those before is true for ever, and only the newest number has to be fresh.
/// </summary>
internal sealed class PriceBook : IPriceBook, IChangeListener
{
    private const string NewestName = "newest";

    private const string NewestSql = "SELECT coalesce(max(version), 0)::text FROM price_versions";

    private const string HistorySql = """
        SELECT json_build_object(
                 'as_of', (SELECT coalesce(max(version), 0) FROM price_versions),
                 'rows', (SELECT coalesce(json_agg(json_build_array(
                            p.version, v.source, p.input_usd_per_million, p.output_usd_per_million, p.cached_input_usd_per_million,
                            p.cache_write_usd_per_million, p.reasoning_usd_per_million, p.request_usd) ORDER BY p.version), '[]')
                            FROM model_prices p JOIN price_versions v ON v.version = p.version
                           WHERE p.model_name = $1))::text
        """;

    private readonly NpgsqlDataSource _database;
    private readonly GatewayPrices _gateway;
    private readonly GroupCache<long> _newest;
    private readonly GroupCache<PriceHistory> _histories;

    public PriceBook(NpgsqlDataSource database, LeasedRedisCache shared, ChangeFeed changes, GatewayPrices gateway, TimeProvider time)
    {
        (_database, _gateway) = (database, gateway);
        var name = PriceKeys.NameOf(database);
        _newest = new(_ => PriceKeys.Newest(name), (_, ct) => ReadAsync(NewestSql, null, ct), Number, shared, changes, time);
        _histories = new(model => $"{{price:{name}:{model}}}", (model, ct) => ReadAsync(HistorySql, model, ct), PriceHistory.Parse, shared, changes, time);
        changes.Register(this);
    }

    public bool IsKnown => _gateway.IsKnown;

    public ValueTask<long> NewestAsync(CancellationToken cancellation) => _newest.GetAsync(NewestName, cancellation);

    public async ValueTask<long> NewestAsync(IReadOnlyCollection<string> models, CancellationToken cancellation)
    {
        var newest = await NewestAsync(cancellation);
        foreach (var model in IsKnown ? [] : models)
        {
            if ((await HistoryAsync(model, newest, cancellation)).At(newest)?.Source == PriceSource.BuiltIn)
            {
                // Waited for once: where the list cannot be read, each call would wait, and there is a price.
                var wasTried = _gateway.WasTried;
                var taking = _gateway.TakeNewAsync(cancellation);
                if (wasTried && !taking.IsCompletedSuccessfully)
                {
                    return newest;
                }

                if (await taking)
                {
                    await ForgetNewestAsync();
                    return await NewestAsync(cancellation);
                }
            }
        }

        return newest;
    }

    public async ValueTask<ModelPrice?> FindAsync(string model, long version, CancellationToken cancellation)
    {
        // LiteLLM lists a wildcard under its pattern, for example "openai/*".
        var slash = model.IndexOf('/', StringComparison.Ordinal);
        var pattern = slash > 0 ? string.Concat(model.AsSpan(0, slash), "/*") : null;
        return (await HistoryAsync(model, version, cancellation)).At(version)?.Price
               ?? (await HistoryAsync(pattern, version, cancellation)).At(version)?.Price
               ?? await SinceAsync(model, pattern, version, cancellation)
               ?? (await _gateway.TakeNewAsync(cancellation) ? await AfterImportAsync(model, pattern, version, cancellation) : null);
    }

    public void Changed(ChangeTopic topic, string key)
    {
        if (topic == ChangeTopic.Prices)
        {
            _newest.ForgetAll();
        }
    }

    public void ForgetAll()
    {
        _newest.ForgetAll();
        _histories.ForgetAll();
    }

    // Another process may have taken the list just before, and its notice be on its way.
    private async ValueTask<ModelPrice?> AfterImportAsync(string model, string? pattern, long version, CancellationToken cancellation)
    {
        await ForgetNewestAsync();
        return await SinceAsync(model, pattern, version, cancellation);
    }

    private async ValueTask ForgetNewestAsync()
    {
        _newest.Forget(NewestName);
        await _newest.ForgetSharedAsync(NewestName);
    }

    // Of the two the one that came first: whatever is added later must not change what a job was told.
    private async ValueTask<ModelPrice?> SinceAsync(string model, string? pattern, long version, CancellationToken cancellation)
    {
        var newest = await NewestAsync(cancellation);
        if (newest <= version)
        {
            return null;
        }

        var own = (await HistoryAsync(model, newest, cancellation)).FirstAfter(version);
        var general = (await HistoryAsync(pattern, newest, cancellation)).FirstAfter(version);
        return (own?.Version ?? long.MaxValue) <= (general?.Version ?? long.MaxValue) ? own?.Price : general?.Price;
    }

    private async ValueTask<PriceHistory> HistoryAsync(string? model, long atLeast, CancellationToken cancellation)
    {
        if (model is null)
        {
            return PriceHistory.Empty;
        }

        var history = await _histories.GetAsync(model, cancellation);
        if (history.AsOf >= atLeast)
        {
            return history;
        }

        _histories.Forget(model);
        await _histories.ForgetSharedAsync(model);
        return await _histories.GetAsync(model, cancellation);
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private async Task<string> ReadAsync(string sql, string? model, CancellationToken cancellation)
    {
        await using var command = _database.CreateCommand(sql);
        if (model is not null)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model });
        }

        return (string)(await command.ExecuteScalarAsync(cancellation))!;
    }
}
