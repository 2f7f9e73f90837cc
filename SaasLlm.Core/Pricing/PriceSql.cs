using Npgsql;

namespace SaasLlm.Core.Pricing;

/// <summary>The price book's statements.</summary>
internal static class PriceSql
{
    /// <summary>A price's classes, in the order of <see cref="ModelPrice"/>.</summary>
    public const string Classes = "p.input_usd_per_million, p.output_usd_per_million, p.cached_input_usd_per_million, "
        + "p.cache_write_usd_per_million, p.reasoning_usd_per_million, p.request_usd";

    /// <summary>One writer at a time, until its transaction ends; readers wait for nobody. The number is the migration's.</summary>
    public const string TakeTurn = "SELECT pg_advisory_xact_lock(hashtext('saasllm.prices'), 10)";

    /// <summary>What a source stated last of each model.</summary>
    public const string Standing = $"""
        SELECT DISTINCT ON (p.model_name) p.model_name, {Classes}
          FROM model_prices p JOIN price_versions v ON v.version = p.version
         WHERE v.source = $1
         ORDER BY p.model_name, p.version DESC
        """;

    public const string Insert = """
        WITH added AS (
          INSERT INTO price_versions (version, source, reason, source_url)
          SELECT coalesce(max(version), 0) + 1, $1, $2, $10 FROM price_versions
          RETURNING version),
        stated AS (
          INSERT INTO model_prices (model_name, version, input_usd_per_million, output_usd_per_million, cached_input_usd_per_million,
                                    cache_write_usd_per_million, reasoning_usd_per_million, request_usd)
          SELECT u.a, added.version, u.b, u.c, u.d, u.e, u.f, u.g
            FROM added, unnest($3, $4, $5, $6, $7, $8, $9) AS u(a, b, c, d, e, f, g))
        SELECT version FROM added
        """;

    /// <summary>Of each model the price that counts at version $1. $2 filters by a part of the name, $3 by source; $4 is the last name seen, $5 the limit.</summary>
    public const string List = $"""
        SELECT * FROM (
          SELECT DISTINCT ON (p.model_name) p.model_name, {Classes}, p.version, p.source, p.reason, p.source_url, p.created_at
            FROM (
              SELECT DISTINCT ON (p.model_name, v.source) p.*, v.source, v.reason, v.source_url, v.created_at
                FROM model_prices p JOIN price_versions v ON v.version = p.version
               WHERE p.version <= $1
               ORDER BY p.model_name, v.source, p.version DESC) p
           WHERE p.input_usd_per_million IS NOT NULL
           ORDER BY p.model_name, array_position(ARRAY['operator', 'configuration', 'gateway', 'builtin'], p.source)) counts
         WHERE ($2::text IS NULL OR strpos(lower(model_name), lower($2)) > 0) AND ($3::text IS NULL OR source = $3)
        """;

    /// <summary>All that was ever said of a model, the newest first.</summary>
    public const string History = $"""
        SELECT p.model_name, {Classes}, p.version, v.source, v.reason, v.source_url, v.created_at
          FROM model_prices p JOIN price_versions v ON v.version = p.version
         WHERE p.model_name = $1
         ORDER BY p.version DESC LIMIT $2
        """;

    /// <summary>A price that begins at column <paramref name="first"/>; null where it was taken back.</summary>
    public static ModelPrice? Price(NpgsqlDataReader row, int first)
        => Amount(row, first) is { } input && Amount(row, first + 1) is { } output
            ? new(input, output, Amount(row, first + 2), Amount(row, first + 3), Amount(row, first + 4), Amount(row, first + 5) ?? 0)
            : null;

    private static decimal? Amount(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetDecimal(column);
}
