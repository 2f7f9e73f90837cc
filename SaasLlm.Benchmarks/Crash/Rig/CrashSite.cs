using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SaasLlm.Core.Data;

namespace SaasLlm.Benchmarks.Crash.Rig;

/// <summary>The stores and the gateway that a rig's processes use.</summary>
/// <param name="Postgres">A connection string of the server, as its superuser; the rig makes a database of its own there.</param>
/// <param name="OwnsStores">Nobody else uses them: all of Redis may be emptied, and both may be killed. Who runs them starts them again.</param>
internal sealed record CrashSite(string Postgres, string Redis, Uri Gateway, string MasterKey, bool OwnsStores)
{
    private const string Template = "saasllm_crash_template";

    // Redis has sixteen databases; the product itself uses the first.
    private const int RedisDatabases = 16;

    private static readonly SemaphoreSlim s_oneAtATime = new(1, 1);
    private static int s_count;
    private bool _isMigrated;

    /// <summary>An empty, migrated database, and a database of Redis.</summary>
    public async Task<(string Postgres, string Redis, int RedisDatabase)> CreateStoresAsync(CancellationToken cancellation)
    {
        await s_oneAtATime.WaitAsync(cancellation);
        try
        {
            if (!_isMigrated)
            {
                // Without a pool: a template with a session in it cannot be copied.
                await new SchemaMigrator(TimeProvider.System, NullLogger<SchemaMigrator>.Instance)
                    .MigrateAsync(Named(Template, pooling: false), TimeSpan.FromMinutes(1), cancellation);
                _isMigrated = true;
            }

            var number = ++s_count;
            var name = $"saasllm_crash_{number}";
            await using var source = NpgsqlDataSource.Create(Named("postgres", pooling: false));
            await using var command = source.CreateCommand($"CREATE DATABASE {name} TEMPLATE {Template}");
            await command.ExecuteNonQueryAsync(cancellation);
            var redis = 1 + (number % (RedisDatabases - 1));
            return (Named(name, pooling: true), $"{Redis},defaultDatabase={redis}", redis);
        }
        finally
        {
            s_oneAtATime.Release();
        }
    }

    public async Task DropAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(Named("postgres", pooling: false));
        await using var command = source.CreateCommand($"DROP DATABASE IF EXISTS {database} WITH (FORCE)");
        await command.ExecuteNonQueryAsync();
    }

    private string Named(string database, bool pooling)
        => new NpgsqlConnectionStringBuilder(Postgres) { Database = database, Pooling = pooling }.ConnectionString;
}
