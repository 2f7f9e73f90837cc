using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SaasLlm.Core.Data;
using SaasLlm.Tests.Credits;

namespace SaasLlm.Tests.Data;

/// <summary>Migrating makes what is missing, waits for a late server, and may run beside another.</summary>
public sealed class SchemaMigratorTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private static readonly SchemaMigrator s_migrator = new(TimeProvider.System, NullLogger<SchemaMigrator>.Instance);

    [Fact]
    public async Task Two_at_once_make_one_database_and_one_schema()
    {
        var database = Missing();

        await Task.WhenAll(MigrateAsync(database), MigrateAsync(database));

        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand("""SELECT count(*) FROM "__EFMigrationsHistory" """);
        var files = typeof(SchemaMigrator).Assembly.GetManifestResourceNames().Count(name => name.Contains(".Migrations.", StringComparison.Ordinal));
        Assert.Equal((long)files, await command.ExecuteScalarAsync());
        await DropAsync(database);
    }

    [Fact]
    public async Task It_waits_for_a_server_that_is_late_and_gives_up_in_time()
    {
        var server = new NpgsqlConnectionStringBuilder(stores.Postgres);
        await using var proxy = new TcpProxy(server.Host!, server.Port);
        proxy.GoAway();
        var database = new NpgsqlConnectionStringBuilder(Missing()) { Host = "127.0.0.1", Port = proxy.Port }.ConnectionString;

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => s_migrator.MigrateAsync(database, TimeSpan.FromMilliseconds(100), default));
        var migrating = s_migrator.MigrateAsync(database, TimeSpan.FromMinutes(2), default);
        await Task.Delay(300);
        proxy.ComeBack();

        await migrating;
        await DropAsync(database);
    }

    private static Task MigrateAsync(string database) => s_migrator.MigrateAsync(database, TimeSpan.FromMinutes(2), default);

    private string Missing() => new NpgsqlConnectionStringBuilder(stores.Postgres) { Database = $"missing_{Guid.NewGuid():N}" }.ConnectionString;

    private async Task DropAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(stores.Postgres);
        await using var command = source.CreateCommand($"DROP DATABASE {new NpgsqlConnectionStringBuilder(database).Database} WITH (FORCE)");
        await command.ExecuteNonQueryAsync();
    }
}
