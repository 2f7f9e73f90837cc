using System.Diagnostics;

namespace SaasLlm.Benchmarks.Driver;

/// <summary>What one run of a loop counted.</summary>
internal sealed record LoopResult(long Done, long Failed, TimeSpan Elapsed, LatencyHistogram Latency);

/// <summary>One operation of a caller; false or an exception is a failure.</summary>
internal delegate ValueTask<bool> Operation(int caller);

/// <summary>Closed loop: each of N callers sends its next operation when the last one was answered.</summary>
internal static class ClosedLoop
{
    public static async Task<LoopResult> RunAsync(int callers, TimeSpan duration, Operation operation, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        var until = began + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        var counts = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(() => CallAsync(caller), cancellation)));
        var latency = new LatencyHistogram();
        foreach (var count in counts)
        {
            latency.Add(count.Latency);
        }

        return new(latency.Count, counts.Sum(count => count.Failed), Stopwatch.GetElapsedTime(began), latency);

        async Task<(LatencyHistogram Latency, long Failed)> CallAsync(int caller)
        {
            var own = new LatencyHistogram();
            var failed = 0L;
            while (Stopwatch.GetTimestamp() is var started && started < until && !cancellation.IsCancellationRequested)
            {
                if (await Attempt.SucceedsAsync(operation, caller))
                {
                    own.Record(Stopwatch.GetElapsedTime(started));
                }
                else
                {
                    failed++;
                }
            }

            return (own, failed);
        }
    }
}

/// <summary>
/// Open loop: operations start at a fixed rate whether or not earlier ones were answered, and each one's latency counts from when
/// it should have started: a stall shows in all the operations that it delayed, not in one.
/// </summary>
internal static class OpenLoop
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(1);

    /// <param name="perSecond">The arrival rate.</param>
    public static async Task<LoopResult> RunAsync(double perSecond, TimeSpan duration, Operation operation, CancellationToken cancellation)
    {
        var latency = new LatencyHistogram();
        var failed = 0L;
        List<Task> running = [];
        using var clock = new PeriodicTimer(s_tick);
        var began = Stopwatch.GetTimestamp();
        var sent = 0;
        while (Stopwatch.GetElapsedTime(began) is var now && now < duration && await clock.WaitForNextTickAsync(cancellation))
        {
            // What is due by this tick was to start at the tick, however late the timer is.
            var due = (long)(Math.Floor(Stopwatch.GetElapsedTime(began) / s_tick) * s_tick.TotalSeconds * perSecond);
            for (; sent < due; sent++)
            {
                var intended = began + (long)(Math.Ceiling((sent + 1) / perSecond / s_tick.TotalSeconds) * s_tick.TotalSeconds * Stopwatch.Frequency);
                running.Add(OneAsync(sent, intended));
            }
        }

        await Task.WhenAll(running);
        return new(latency.Count, failed, Stopwatch.GetElapsedTime(began), latency);

        async Task OneAsync(int number, long intended)
        {
            await Task.Yield();
            var succeeded = await Attempt.SucceedsAsync(operation, number);
            var took = Stopwatch.GetElapsedTime(intended);
            lock (latency)
            {
                if (succeeded)
                {
                    latency.Record(took);
                }
                else
                {
                    failed++;
                }
            }
        }
    }
}

internal static class Attempt
{
    public static async ValueTask<bool> SucceedsAsync(Operation operation, int caller)
    {
        try
        {
            return await operation(caller);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Note(exception);
            return false;
        }
    }

    /// <summary>For the report: what the first operation that failed met.</summary>
    public static Exception? FirstFailure { get; private set; }

    public static void Note(Exception failure) => FirstFailure ??= failure;
}
