using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Benchmarks.Stack;

/// <summary>One caller of a closed loop over HTTP: what it sends first, and what after each answer.</summary>
internal abstract class HttpCaller(Uri server) : IDisposable
{
    public HttpConnection Connection { get; } = new(server);

    /// <summary>When its operation began, by <see cref="Stopwatch"/>.</summary>
    public long StartedAt { get; set; }

    /// <summary>Sends an operation's first request.</summary>
    public abstract void Begin();

    /// <summary>Reads a good answer. True: the operation is done; false: its next request is sent.</summary>
    public virtual bool IsDone() => true;

    public void Dispose() => Connection.Dispose();
}

/// <summary>A closed loop over HTTP, one connection a caller. One thread serves all callers and waits in the kernel, as pgbench does.</summary>
internal static class HttpLoop
{
    private const int PatienceMicroseconds = 30_000_000;

    /// <param name="duration">No operation begins after it; zero: each caller has one.</param>
    /// <param name="isFirstByte">True: what counts is the time to the first byte of the answer's body.</param>
    public static Task<LoopResult> RunAsync(
        IReadOnlyList<HttpCaller> callers, TimeSpan duration, CancellationToken cancellation, bool isFirstByte = false)
        => Task.Factory.StartNew(
            () => Run(callers, duration, isFirstByte, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static LoopResult Run(IReadOnlyList<HttpCaller> callers, TimeSpan duration, bool isFirstByte, CancellationToken cancellation)
    {
        var latency = new LatencyHistogram();
        var failed = 0L;
        var began = Stopwatch.GetTimestamp();
        var waiting = callers.ToDictionary(caller => caller.Connection.Socket);
        foreach (var caller in waiting.Values)
        {
            Begin(caller);
        }

        List<Socket> ready = [];
        while (waiting.Count > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            ready.Clear();
            ready.AddRange(waiting.Keys);
            Socket.Select(ready, null, null, PatienceMicroseconds);
            if (ready.Count == 0)
            {
                throw new TimeoutException($"No request was answered for {PatienceMicroseconds / 1_000_000} seconds.");
            }

            foreach (var socket in ready)
            {
                var caller = waiting[socket];
                if (!caller.Connection.Receive())
                {
                    continue;
                }

                if (caller.Connection.Status != 200)
                {
                    failed++;
                    Attempt.Note(new InvalidOperationException($"{caller.Connection.Status}: {Encoding.UTF8.GetString(caller.Connection.Body.Span)}"));
                }
                else if (!caller.IsDone())
                {
                    continue;
                }
                else
                {
                    latency.Record(isFirstByte ? Stopwatch.GetElapsedTime(caller.StartedAt, caller.Connection.FirstByteAt) : Stopwatch.GetElapsedTime(caller.StartedAt));
                }

                if (Stopwatch.GetElapsedTime(began) < duration)
                {
                    Begin(caller);
                }
                else
                {
                    waiting.Remove(socket);
                }
            }
        }

        return new(latency.Count, failed, Stopwatch.GetElapsedTime(began), latency);
    }

    private static void Begin(HttpCaller caller)
    {
        caller.StartedAt = Stopwatch.GetTimestamp();
        caller.Begin();
    }
}
