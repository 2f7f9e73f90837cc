using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using SaasLlm.Core.Data;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Data;

/// <summary>The SQL migrations are the schema; EF's model is a second telling of it, and must tell the same.</summary>
public sealed class SchemaTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    [Fact]
    public async Task The_model_has_the_tables_columns_types_and_nullability_of_the_schema()
    {
        var model = Tables().SelectMany(table => table.Type.GetProperties().Select(property =>
            $"{table.Name}.{property.GetColumnName()} {property.GetColumnType()}{(property.IsNullable ? "" : " NOT NULL")}"));

        // Partitions are their parent's, and EF's history is EF's.
        var schema = await ReadAsync("""
            SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
              FROM pg_class c
              JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> '__EFMigrationsHistory'
            """);

        Assert.Equal(schema.Order(StringComparer.Ordinal), model.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_model_has_the_primary_keys_of_the_schema()
    {
        var model = Tables().Select(table =>
            $"{table.Name}({string.Join(',', table.Type.FindPrimaryKey()!.Properties.Select(property => property.GetColumnName()))})");

        var schema = await ReadAsync("""
            SELECT c.relname || '(' || string_agg(a.attname, ',' ORDER BY k.position) || ')'
              FROM pg_constraint p
              JOIN pg_class c ON c.oid = p.conrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
              CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY AS k(attnum, position)
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
             WHERE p.contype = 'p' AND n.nspname = 'public' AND NOT c.relispartition AND c.relname <> '__EFMigrationsHistory'
             GROUP BY c.relname
            """);

        Assert.Equal(schema.Order(StringComparer.Ordinal), model.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_constraint_and_index_has_a_name_that_was_given()
    {
        var names = await ReadAsync("""
            SELECT c.relname || ': ' || p.conname FROM pg_constraint p JOIN pg_class c ON c.oid = p.conrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'public' AND NOT c.relispartition AND c.relname <> '__EFMigrationsHistory' AND p.contype IN ('p', 'f', 'u', 'c')
               AND p.conname !~ '^(pk|fk|ux|ck)_'
            UNION ALL
            SELECT tablename || ': ' || indexname FROM pg_indexes
             WHERE schemaname = 'public' AND tablename !~ '_(\d{4}_\d\d(_\d\d)?|default)$' AND tablename <> '__EFMigrationsHistory'
               AND indexname !~ '^(pk|ux|ix)_'
            """);

        Assert.Empty(names);
    }

    [Fact]
    public async Task This_month_and_the_coming_three_have_partitions()
        => Assert.Equal(4, (await ReadAsync("SELECT relname::text FROM pg_class WHERE relispartition AND relkind = 'r' AND relname LIKE 'llm_calls_2%'")).Count);

    // An id goes to the partition of its month, and a statement with an id looks at that one only.
    [Fact]
    public async Task The_floor_of_a_moment_lies_between_the_ids_of_its_millisecond_and_of_the_one_before()
    {
        var moment = new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);
        var floor = (await ReadAsync("SELECT uuid7_floor('2026-12-01 00:00:00Z')::text"))[0];

        Assert.True(string.CompareOrdinal(Guid.CreateVersion7(moment).ToString(), floor) > 0);
        Assert.True(string.CompareOrdinal(Guid.CreateVersion7(moment.AddMilliseconds(-1)).ToString(), floor) < 0);
    }

    private (string Name, IEntityType Type)[] Tables()
    {
        using var db = new SaasLlmDbContext(new DbContextOptionsBuilder<SaasLlmDbContext>().UseNpgsql(stores.Postgres).Options);
        return [.. db.Model.GetEntityTypes().Select(type => (type.GetTableName()!, type))];
    }

    private async Task<List<string>> ReadAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(stores.Postgres);
        await using var command = source.CreateCommand(sql);
        await using var rows = await command.ExecuteReaderAsync();
        List<string> found = [];
        while (await rows.ReadAsync())
        {
            found.Add(rows.GetString(0));
        }

        return found;
    }
}
