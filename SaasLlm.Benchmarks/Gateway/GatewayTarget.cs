using System.Text.Json;
using SaasLlm.Benchmarks.Driver;
using SaasLlm.Benchmarks.Stack;

namespace SaasLlm.Benchmarks.Gateway;

/// <summary>One server that is asked for chat completions; the same body goes to each.</summary>
/// <param name="Name">As the table shows it.</param>
/// <param name="Keys">Of the callers, in turn.</param>
/// <param name="Headers">Further ones, each as <c>name: value</c>.</param>
internal sealed record GatewayTarget(string Name, Uri Server, string Path, IReadOnlyList<string> Keys, params string[] Headers) : IDisposable
{
    private readonly List<HttpCaller> _callers = [];

    /// <summary>Whole answers, one after another on each connection.</summary>
    public Task<LoopResult> CallAsync(int callers, int promptBytes, TimeSpan duration, CancellationToken cancellation)
        => RunAsync(callers, Body(Servers.UpstreamVerb.QuickModel, promptBytes, isStream: false), duration, isFirstByte: false, cancellation);

    /// <summary>Streams, one after another on each connection; latencies are those of the first byte.</summary>
    /// <param name="duration">Zero: one on each connection.</param>
    public Task<LoopResult> StreamAsync(int callers, string model, TimeSpan duration, CancellationToken cancellation)
        => RunAsync(callers, Body(model, promptBytes: 1000, isStream: true), duration, isFirstByte: true, cancellation);

    public void Dispose() => Close();

    /// <summary>Closes the connections: those that are open count in a server's memory.</summary>
    public void Close()
    {
        _callers.ForEach(caller => caller.Dispose());
        _callers.Clear();
    }

    private Task<LoopResult> RunAsync(int callers, string body, TimeSpan duration, bool isFirstByte, CancellationToken cancellation)
    {
        // A server may close what was idle while others were measured.
        foreach (var closed in _callers.Where(caller => caller.Connection.IsClosed).ToArray())
        {
            _callers.Remove(closed);
            closed.Dispose();
        }

        while (_callers.Count < callers)
        {
            _callers.Add(new Caller(Server));
        }

        var requests = Keys.Select(key => HttpConnection.Post(Server, Path, key, body, Headers)).ToArray();
        for (var index = 0; index < callers; index++)
        {
            ((Caller)_callers[index]).Request = requests[index % requests.Length];
        }

        return HttpLoop.RunAsync([.. _callers.Take(callers)], duration, cancellation, isFirstByte);
    }

    private static string Body(string model, int promptBytes, bool isStream)
    {
        var prompt = string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog. ", (promptBytes / 45) + 1))[..promptBytes];
        return JsonSerializer.Serialize(new { model, messages = new[] { new { role = "user", content = prompt } }, max_tokens = 64, stream = isStream });
    }

    private sealed class Caller(Uri server) : HttpCaller(server)
    {
        public byte[] Request { get; set; } = [];

        public override void Begin() => Connection.Send(Request);
    }
}
