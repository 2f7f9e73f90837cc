using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Data;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>
/// Group commit: one loop takes whatever commands are queued (no timer), and decides and commits them in one transaction.
/// Each caller gets its own result; a command that the database refuses is found and answered alone.
/// </summary>
internal sealed partial class LedgerWriter : IAsyncDisposable
{
    private const int ConflictsMax = 3;

    private static readonly Failure s_outcomeUnknown = new(
        FailureKind.Unavailable, "store.outcome_unknown", "The store's answer was lost, and it does not answer now. Read before trying again.")
    {
        RetryAfter = TimeSpan.FromSeconds(5),
    };

    private readonly Channel<LedgerCommand> _queue;
    private readonly LedgerConnections _connections;
    private readonly Reservations _reservations;
    private readonly CommitLookup _lookup;
    private readonly LedgerOptions _options;
    private readonly LedgerTelemetry _telemetry;
    private readonly ILogger<LedgerWriter> _logger;
    private readonly Task _loop;
    private LedgerSession? _session;

    public LedgerWriter(
        LedgerConnections connections, Reservations reservations, LedgerOptions options, LedgerTelemetry telemetry, TimeProvider time,
        ILogger<LedgerWriter> logger)
    {
        (_connections, _reservations, _options, _telemetry, _logger) = (connections, reservations, options, telemetry, logger);
        _lookup = new(connections.Reader, time, options);
        _queue = Channel.CreateBounded<LedgerCommand>(new BoundedChannelOptions(options.QueueLengthMax) { SingleReader = true });
        // The loop belongs to no request: without this it would trace all its work under the one that happened to come first.
        using (ExecutionContext.SuppressFlow())
        {
            _loop = Task.Run(RunAsync);
        }
    }

    /// <summary>Queues a command; its task ends when its transaction did.</summary>
    public async Task<Result<T>> SubmitAsync<T>(LedgerCommand<T> command, CancellationToken cancellation)
    {
        await _queue.Writer.WriteAsync(command, cancellation);
        return await command.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
        await _reservations.FlushAsync();
        await DropSessionAsync();
    }

    private async Task RunAsync()
    {
        var batch = new List<LedgerCommand>(_options.BatchSizeMax);
        while (await _queue.Reader.WaitToReadAsync())
        {
            batch.Clear();
            while (batch.Count < _options.BatchSizeMax && _queue.Reader.TryRead(out var command))
            {
                if (command.IsAbandoned)
                {
                    command.Drop();
                }
                else
                {
                    batch.Add(command);
                }
            }

            if (batch.Count > 0)
            {
                await GuardedAsync(batch);
            }
        }
    }

    // Whatever a defect throws, its callers are answered and the loop goes on.
    private async Task GuardedAsync(List<LedgerCommand> commands)
    {
        try
        {
            await ExecuteAsync(commands);
        }
        catch (Exception exception)
        {
            LogPoisoned(exception, "batch");
            _session = null;
            commands.ForEach(command => command.Fault(exception));
        }
    }

    private async Task ExecuteAsync(List<LedgerCommand> commands)
    {
        using var activity = LedgerTelemetry.StartBatch(commands.Select(command => command.Caller));
        var started = Stopwatch.GetTimestamp();
        for (var conflicts = 0; ; conflicts++)
        {
            LedgerBatch? work = null;
            var sent = false;
            var isReused = _session is not null;
            try
            {
                _session ??= await LedgerSession.OpenAsync(_connections.Writer, _options);
                Failpoint.Hit(FailpointName.BeforeBegin);
                work = await _session.BeginAsync(commands);
                Failpoint.Hit(FailpointName.AfterLocks);
                foreach (var command in commands)
                {
                    command.Decide(work);
                }

                sent = true;
                var commit = _session.CommitAsync(work);
                Failpoint.Hit(FailpointName.CommitSent);
                await commit;
                Failpoint.Hit(FailpointName.AfterCommit);
                Finish(commands, work);
                _telemetry.Batch(commands.Count, Stopwatch.GetElapsedTime(started));
                return;
            }
            catch (PostgresException exception) when (IsConflict(exception) && conflicts < ConflictsMax)
            {
                await DropSessionAsync();
            }
            catch (Exception exception) when (isReused && !sent && IsGone(exception))
            {
                // The server ended an idle connection, or was restarted: nothing was sent, a new session starts clean.
                await DropSessionAsync();
            }
            catch (Exception exception)
            {
                await RecoverAsync(commands, work, sent, exception);
                return;
            }
        }
    }

    private async Task RecoverAsync(List<LedgerCommand> commands, LedgerBatch? work, bool sent, Exception exception)
    {
        if (IsGone(exception))
        {
            LogUnavailable(exception, commands.Count);
            await AnswerWithoutStoreAsync(commands, sent ? work : null);
            return;
        }

        await DropSessionAsync();
        if (commands.Count > 1)
        {
            // One of them is at fault, or one row is locked for long: each gets a transaction of its own.
            LogSplit(exception, commands.Count);
            await ExecuteOneByOneAsync(commands);
        }
        else if (StoreErrors.IsUnavailable(exception))
        {
            commands[0].Refuse(StoreErrors.Unavailable);
        }
        else
        {
            LogPoisoned(exception, commands[0].Scope.Kind);
            commands[0].Fault(exception);
        }
    }

    private async Task ExecuteOneByOneAsync(List<LedgerCommand> commands)
    {
        foreach (var command in commands)
        {
            await ExecuteAsync([command]);
        }
    }

    private async Task AnswerWithoutStoreAsync(List<LedgerCommand> commands, LedgerBatch? sent)
    {
        var session = _session;
        await DropSessionAsync();
        bool? committed = false;
        if (session is not null && sent is not null)
        {
            committed = await _lookup.WasCommittedAsync(sent, session.ProcessId, session.BackendStartedAt);
            _telemetry.LostReply(committed switch { true => "committed", false => "not_committed", null => "unknown" });
        }

        if (committed is true)
        {
            Finish(commands, sent!);
            return;
        }

        foreach (var command in commands)
        {
            command.Refuse(committed is null ? s_outcomeUnknown : StoreErrors.Unavailable);
        }
    }

    private void Finish(List<LedgerCommand> commands, LedgerBatch work)
    {
        var pushed = _reservations.PushAsync(work.Pushes());
        foreach (var command in commands.Where(command => !command.Scope.FreesCredits))
        {
            command.Answer();
        }

        _ = AnswerAsync(commands, pushed);
    }

    // Who freed credits or brought some may spend them with the next request: Redis is told before they are answered.
    private static async Task AnswerAsync(List<LedgerCommand> commands, Task pushed)
    {
        var waiting = commands.Where(command => command.Scope.FreesCredits).ToList();
        await pushed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Failpoint.Hit(FailpointName.AfterPush);
        foreach (var command in waiting)
        {
            command.Answer();
        }
    }

    // Ends the transaction with its connection. Not by ROLLBACK: what the driver prepared on its own in a batch that failed
    // half-way, it takes for prepared afterwards ("prepared statement "_auto17" does not exist").
    private async Task DropSessionAsync()
    {
        if (_session is { } session)
        {
            _session = null;
            await session.DisposeAsync();
        }
    }

    // A lock that was not had in time is the row's trouble, not the server's.
    private static bool IsGone(Exception exception)
        => StoreErrors.IsUnavailable(exception) && exception is not PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable };

    private static bool IsConflict(PostgresException exception)
        => exception.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure;

    [LoggerMessage(4001, LogLevel.Warning, "Postgres went away with {Count} ledger commands under way")]
    private partial void LogUnavailable(Exception exception, int count);

    [LoggerMessage(4002, LogLevel.Warning, "A batch of {Count} ledger commands was refused; each is tried alone")]
    private partial void LogSplit(Exception exception, int count);

    [LoggerMessage(4003, LogLevel.Error, "The database refused a ledger command of kind {Kind}: that is a defect")]
    private partial void LogPoisoned(Exception exception, string kind);
}
