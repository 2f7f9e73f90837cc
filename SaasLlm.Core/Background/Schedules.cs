using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Background;

/// <summary>One runner's part in the schedules: it claims what is due, runs it under a renewed lease, and tells what its own passes did.</summary>
internal sealed partial class Schedules(
    IEnumerable<BackgroundTask> tasks, TaskStore store, BackgroundTelemetry telemetry, IOptions<BackgroundOptions> options, TimeProvider time,
    ILogger<Schedules> logger)
{
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, BackgroundTask> _tasks = tasks.ToDictionary(task => task.Name, StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);

    /// <summary>Makes the tasks known.</summary>
    public Task RegisterAsync(CancellationToken cancellation) => store.RegisterAsync([.. _tasks.Values], cancellation);

    /// <summary>Claims what is due and starts it. The answer: the runs that were started.</summary>
    public async Task<IReadOnlyList<Task>> StartDueAsync(CancellationToken stopping)
    {
        var (free, shared) = (
            _tasks.Values.Where(task => task.IsSchedule && !_running.ContainsKey(task.Name)).Select(task => task.Name).ToList(),
            _tasks.Values.Where(task => !task.IsSchedule).Select(task => task.Name).ToList());
        var lease = Uuid7.New(time);
        List<Task> started = [];
        foreach (var (name, wasRequested) in await store.ClaimAsync(free, lease, options.Value.LeaseDuration, stopping))
        {
            var run = RunAsync(_tasks[name], lease, wasRequested, stopping);
            _running[name] = run;
            started.Add(ForgetAsync(name, run));
        }

        foreach (var name in await store.TakeRequestsAsync(shared, stopping))
        {
            _tasks[name].Wake();
        }

        return started;
    }

    /// <summary>Writes down what the passes of this runner did since it was asked last.</summary>
    public async Task RecordAsync(CancellationToken cancellation)
    {
        var records = _tasks.Values.Select(task => task.TakeRecord()).OfType<PassRecord>().ToList();
        if (records.Count > 0)
        {
            await store.RecordAsync(records, record => time.GetElapsedTime(record.EndedAt), cancellation);
        }
    }

    /// <summary>Waits for the runs that are under way.</summary>
    public Task DrainAsync() => Task.WhenAll(_running.Values);

    // Whoever waits for a run may claim the task again after it.
    private async Task ForgetAsync(string name, Task run)
    {
        await run;
        _running.TryRemove(new(name, run));
    }

    // Never throws: a run that fails says so in its row.
    private async Task RunAsync(BackgroundTask task, Guid lease, bool wasRequested, CancellationToken stopping)
    {
        await Task.Yield();
        var started = time.GetTimestamp();
        using var activity = BackgroundTelemetry.Source.StartActivity($"task {task.Name}");
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var renewing = RenewAsync(task.Name, lease, lost);
        string? error = null;
        try
        {
            if (wasRequested)
            {
                await task.Pass.PrepareRequestedAsync(lost.Token);
            }

            while (await task.Pass.RunAsync(lost.Token))
            {
            }
        }
        catch (Exception exception)
        {
            error = ErrorOf(exception);
            if (!lost.IsCancellationRequested)
            {
                LogFailed(exception is PassFailedException ? null : exception, task.Name, error);
            }
        }

        var isInterrupted = error is not null && lost.IsCancellationRequested;
        await lost.CancelAsync();
        await renewing;
        var outcome = isInterrupted ? TaskOutcome.Interrupted : error is null ? TaskOutcome.Succeeded : TaskOutcome.Failed;
        telemetry.Ran(task.Name, outcome, time.GetElapsedTime(started));
        await EndAsync(task.Name, lease, time.GetElapsedTime(started), error, isInterrupted);
    }

    private async Task EndAsync(string name, Guid lease, TimeSpan duration, string? error, bool isInterrupted)
    {
        try
        {
            using var limit = new CancellationTokenSource(s_lastWords, time);
            if (isInterrupted)
            {
                await store.ReleaseAsync(name, lease, limit.Token);
            }
            else if (!await store.EndAsync(name, lease, duration, error, limit.Token))
            {
                LogLost(name);
            }
        }
        catch (Exception exception)
        {
            // The lease runs out, and the run is done again.
            LogNotEnded(exception, name);
        }
    }

    // Cancels the run when its lease is another's, or may be.
    private async Task RenewAsync(string name, Guid lease, CancellationTokenSource lost)
    {
        var (duration, renewed) = (options.Value.LeaseDuration, time.GetTimestamp());
        while (true)
        {
            await Task.Delay(duration / 3, time, lost.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (lost.IsCancellationRequested)
            {
                return;
            }

            // A store that does not answer must not hold a run under a lease that is over.
            var left = duration - time.GetElapsedTime(renewed);
            using var over = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(over.Token, lost.Token);
            try
            {
                var asked = time.GetTimestamp();
                if (await store.RenewAsync(name, lease, duration, limit.Token))
                {
                    renewed = asked;
                    continue;
                }
            }
            catch (Exception) when (!over.IsCancellationRequested && time.GetElapsedTime(renewed) < duration)
            {
                continue;
            }
            catch (Exception exception)
            {
                LogNotEnded(exception, name);
            }

            await lost.CancelAsync();
            return;
        }
    }

    /// <summary>What operators read of a failure.</summary>
    internal static string ErrorOf(Exception exception)
        => exception is PassFailedException ? exception.Message : $"{exception.GetType().Name}: {exception.Message}";

    [LoggerMessage(1111, LogLevel.Error, "The task {Task} failed: {Error}")]
    private partial void LogFailed(Exception? exception, string task, string error);

    [LoggerMessage(1112, LogLevel.Warning, "The task {Task} was taken over by another runner while this one ran it")]
    private partial void LogLost(string task);

    [LoggerMessage(1113, LogLevel.Warning, "The end of the task {Task} could not be written down; it will be done again")]
    private partial void LogNotEnded(Exception exception, string task);
}
