using System.Buffers.Text;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Benchmarks.Stack;

/// <summary>
/// The same pairs as an app sends them: <c>POST /api/jobs/create</c> and <c>/complete</c>, one connection a caller, a closed loop.
/// One thread serves all callers and waits in the kernel, as pgbench does.
/// </summary>
internal sealed class LedgerOverHttp : IDisposable
{
    private const int PatienceMicroseconds = 10_000_000;

    private readonly Uri _api;
    private readonly IReadOnlyList<TeamSet.Team> _teams;
    private readonly byte[][] _creates;
    private readonly List<Caller> _callers = [];
    private int _turn;

    public LedgerOverHttp(Uri api, IReadOnlyList<TeamSet.Team> teams)
    {
        (_api, _teams) = (api, teams);
        _creates = [.. teams.Select(team => HttpConnection.Post(api, "/api/jobs/create", team.Key, """{"job_type":"bench"}"""))];
    }

    public Task<LoopResult> RunAsync(int callers, TimeSpan duration, CancellationToken cancellation)
        => Task.Factory.StartNew(() => Run(callers, duration, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public void Dispose() => _callers.ForEach(caller => caller.Connection.Dispose());

    private LoopResult Run(int callers, TimeSpan duration, CancellationToken cancellation)
    {
        while (_callers.Count < callers)
        {
            _callers.Add(new(new HttpConnection(_api)));
        }

        var latency = new LatencyHistogram();
        var failed = 0L;
        var began = Stopwatch.GetTimestamp();
        var waiting = _callers.Take(callers).ToDictionary(caller => caller.Connection.Socket);
        foreach (var caller in waiting.Values)
        {
            Create(caller);
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
                throw new TimeoutException("No request was answered for ten seconds.");
            }

            foreach (var caller in ready.Select(socket => waiting[socket]).Where(caller => caller.Connection.Receive()))
            {
                if (caller.Connection.Status != 200)
                {
                    failed++;
                    Attempt.Note(new InvalidOperationException($"{caller.Connection.Status}: {Encoding.UTF8.GetString(caller.Connection.Body.Span)}"));
                }
                else if (!caller.IsCompleting)
                {
                    Complete(caller);
                    continue;
                }
                else
                {
                    latency.Record(Stopwatch.GetElapsedTime(caller.Started));
                }

                if (Stopwatch.GetElapsedTime(began) < duration)
                {
                    Create(caller);
                }
                else
                {
                    waiting.Remove(caller.Connection.Socket);
                }
            }
        }

        return new(latency.Count, failed, Stopwatch.GetElapsedTime(began), latency);
    }

    private void Create(Caller caller)
    {
        (caller.Team, caller.IsCompleting, caller.Started) = (_turn++ % _teams.Count, false, Stopwatch.GetTimestamp());
        caller.Connection.Send(_creates[caller.Team]);
    }

    private void Complete(Caller caller)
    {
        caller.IsCompleting = true;
        var path = $"/api/jobs/{JobId(caller.Connection.Body.Span)}/complete";
        caller.Connection.Send(HttpConnection.Post(_api, path, _teams[caller.Team].Key, """{"status":"completed"}"""));
    }

    private static Guid JobId(ReadOnlySpan<byte> body)
    {
        var name = "\"job_id\":\""u8;
        return Utf8Parser.TryParse(body[(body.IndexOf(name) + name.Length)..], out Guid id, out _)
            ? id
            : throw new InvalidOperationException($"no job_id in {Encoding.UTF8.GetString(body)}");
    }

    private sealed class Caller(HttpConnection connection)
    {
        public HttpConnection Connection { get; } = connection;

        public int Team { get; set; }

        public bool IsCompleting { get; set; }

        public long Started { get; set; }
    }
}
