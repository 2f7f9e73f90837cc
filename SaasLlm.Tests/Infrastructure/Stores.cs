using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SaasLlm.Core.Data;

namespace SaasLlm.Tests.Infrastructure;

/// <summary>The run's Postgres and Redis.</summary>
/// <param name="Postgres">The connection string of the database that the running app uses.</param>
/// <param name="Redis">Redis' connection string; keys are shared by the run, so use ids of your own.</param>
public sealed record Stores(string Postgres, string Redis)
{
    private const string Template = "saasllm_template";

    private static readonly SemaphoreSlim s_oneAtATime = new(1, 1);
    private static bool s_migrated;
    private static int s_databases;

    /// <summary>A migrated, empty database of its own; the connection string. It ends with the run.</summary>
    public async Task<string> CreateDatabaseAsync(CancellationToken cancellation = default)
    {
        await s_oneAtATime.WaitAsync(cancellation);
        try
        {
            if (!s_migrated)
            {
                // Without a pool: a template with a session in it cannot be copied.
                await new SchemaMigrator(TimeProvider.System, NullLogger<SchemaMigrator>.Instance)
                    .MigrateAsync(Named(Template, pooling: false), TimeSpan.FromMinutes(3), cancellation);
                s_migrated = true;
            }

            var name = $"saasllm_test_{++s_databases}";
            await using var source = NpgsqlDataSource.Create(Named("postgres", pooling: false));
            await using var command = source.CreateCommand($"CREATE DATABASE {name} TEMPLATE {Template}");
            await command.ExecuteNonQueryAsync(cancellation);
            return Named(name, pooling: true);
        }
        finally
        {
            s_oneAtATime.Release();
        }
    }

    private string Named(string database, bool pooling)
        => new NpgsqlConnectionStringBuilder(Postgres) { Database = database, Pooling = pooling }.ConnectionString;
}
