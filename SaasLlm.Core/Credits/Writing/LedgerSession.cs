using Npgsql;
using SaasLlm.Core.Credits.Rules;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>The writer's one connection, with its statements prepared and its plans held to the indexes.</summary>
internal sealed class LedgerSession : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;

    private LedgerSession(NpgsqlConnection connection, DateTime startedAt)
        => (_connection, ProcessId, BackendStartedAt) = (connection, connection.ProcessID, startedAt);

    /// <summary>With <see cref="ProcessId"/> it names this session's backend, and no later one.</summary>
    public DateTime BackendStartedAt { get; }

    public int ProcessId { get; }

    public bool IsBroken => _connection.State != System.Data.ConnectionState.Open;

    public static async Task<LedgerSession> OpenAsync(NpgsqlDataSource source, LedgerOptions options)
    {
        var connection = await source.OpenConnectionAsync();
        try
        {
            await using var settings = connection.CreateCommand();
            settings.CommandText = $"{LedgerSql.Settings} SET lock_timeout = {(long)options.LockTimeout.TotalMilliseconds};";
            await settings.ExecuteNonQueryAsync();
            await using var started = connection.CreateCommand();
            started.CommandText = "SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()";
            return new(connection, (DateTime)(await started.ExecuteScalarAsync())!);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public Task<LedgerBatch> BeginAsync(IReadOnlyList<LedgerCommand> commands) => LedgerReads.BeginAsync(_connection, commands);

    public Task CommitAsync(LedgerBatch work) => LedgerWrites.CommitAsync(_connection, work);

    public async Task RollbackAsync()
    {
        await using var rollback = _connection.CreateCommand();
        rollback.CommandText = "ROLLBACK";
        await rollback.ExecuteNonQueryAsync();
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
