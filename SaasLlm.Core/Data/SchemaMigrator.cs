using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace SaasLlm.Core.Data;

/// <summary>Brings a server to this build's schema: databases, tables, partitions. Safe to run again and beside another run.</summary>
public sealed partial class SchemaMigrator(TimeProvider time, ILogger<SchemaMigrator> logger)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    /// <summary>Migrates our own database, making it where it is missing. Waits up to <paramref name="patience"/> for the server.</summary>
    public async Task MigrateAsync(string connectionString, TimeSpan patience, CancellationToken cancellation)
    {
        await EnsureDatabaseAsync(connectionString, patience, cancellation);

        var options = new DbContextOptionsBuilder<SaasLlmDbContext>()
            .UseNpgsql(connectionString)
            // The SQL files are the schema; there is no snapshot for EF to compare its model with. A test compares the two.
            .ConfigureWarnings(warnings => warnings.Ignore(RelationalEventId.PendingModelChangesWarning))
            .Options;
        await using var turn = await TakeTurnAsync(connectionString, cancellation);
        await using var db = new SaasLlmDbContext(options);
        // A migration takes what its tables take.
        db.Database.SetCommandTimeout(0);
        await db.Database.MigrateAsync(cancellation);
        await PartitionsPass.MakeAllAsync(turn, cancellation);
        LogMigrated(db.Database.GetMigrations().Last());
    }

    /// <summary>Makes the database that <paramref name="connectionString"/> names if it is missing: published outputs do not.</summary>
    public async Task EnsureDatabaseAsync(string connectionString, TimeSpan patience, CancellationToken cancellation)
    {
        var wanted = new NpgsqlConnectionStringBuilder(connectionString);
        var name = wanted.Database ?? throw new InvalidOperationException("The connection string names no database.");
        var until = time.GetUtcNow() + patience;
        while (true)
        {
            try
            {
                await CreateDatabaseIfMissingAsync(wanted, name, cancellation);
                return;
            }
            catch (NpgsqlException exception) when (StoreErrors.IsUnavailable(exception) && time.GetUtcNow() < until)
            {
                LogWaiting(wanted.Host, exception.Message);
                await Task.Delay(s_pause, time, cancellation);
            }
        }
    }

    // EF's own lock is on its history table, and does not keep two runs from making that table.
    private static async Task<NpgsqlConnection> TakeTurnAsync(string connectionString, CancellationToken cancellation)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand("SELECT pg_advisory_lock(hashtext('saasllm.migrate'))", connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellation);
        return connection;
    }

    private async Task CreateDatabaseIfMissingAsync(NpgsqlConnectionStringBuilder wanted, string name, CancellationToken cancellation)
    {
        if (await ExistsAsync(wanted, cancellation))
        {
            return;
        }

        // A managed server may refuse its "postgres" database, so it is only asked when ours is not there.
        var server = new NpgsqlConnectionStringBuilder(wanted.ConnectionString) { Database = "postgres", Pooling = false };
        await using var connection = new NpgsqlConnection(server.ConnectionString);
        await connection.OpenAsync(cancellation);
        await using var command = connection.CreateCommand();
        command.CommandText = $"CREATE DATABASE \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        try
        {
            await command.ExecuteNonQueryAsync(cancellation);
            LogCreated(name);
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            // Another run was faster.
        }
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnectionStringBuilder wanted, CancellationToken cancellation)
    {
        try
        {
            await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(wanted.ConnectionString) { Pooling = false }.ConnectionString);
            await connection.OpenAsync(cancellation);
            return true;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            return false;
        }
    }

    [LoggerMessage(1001, LogLevel.Information, "The schema is at {Migration}")]
    private partial void LogMigrated(string migration);

    [LoggerMessage(1002, LogLevel.Information, "Postgres at {Host} does not answer yet: {Reason}")]
    private partial void LogWaiting(string? host, string reason);

    [LoggerMessage(1003, LogLevel.Information, "Created the database {Name}")]
    private partial void LogCreated(string name);
}
