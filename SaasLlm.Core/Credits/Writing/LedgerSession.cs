using System.Diagnostics;
using Npgsql;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>The writer's one connection, with its statements prepared and its plans held to the indexes.</summary>
internal sealed class LedgerSession : IAsyncDisposable
{
    private static readonly TimeSpan s_planLife = TimeSpan.FromSeconds(5);

    private readonly NpgsqlConnection _connection;
    private long _batches;
    private long _planAnewAt = 1;
    private long _plannedAt = Stopwatch.GetTimestamp();

    private LedgerSession(NpgsqlConnection connection, DateTime startedAt)
        => (_connection, ProcessId, BackendStartedAt) = (connection, connection.ProcessID, startedAt);

    /// <summary>With <see cref="ProcessId"/> it names this session's backend, and no later one.</summary>
    public DateTime BackendStartedAt { get; }

    public int ProcessId { get; }

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

    public Task<LedgerBatch> BeginAsync(IReadOnlyList<LedgerCommand> commands)
        => LedgerReads.BeginAsync(_connection, commands, isReplanned: IsTimeToPlanAnew());

    public Task CommitAsync(LedgerBatch work) => LedgerWrites.CommitAsync(_connection, work);

    // A plan is right for tables of the size they had when it was made. Made anew whenever the session's work has doubled,
    // and every few seconds, it never serves tables much larger than it was made for, ANALYZE or not.
    private bool IsTimeToPlanAnew()
    {
        if (++_batches < _planAnewAt && Stopwatch.GetElapsedTime(_plannedAt) < s_planLife)
        {
            return false;
        }

        _plannedAt = Stopwatch.GetTimestamp();
        _planAnewAt = _batches * 2;
        return true;
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
