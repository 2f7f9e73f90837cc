using System.Buffers.Text;
using System.Text;
using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Benchmarks.Stack;

/// <summary>The same pairs as an app sends them: <c>POST /api/jobs/create</c> and <c>/complete</c>, one connection a caller.</summary>
internal sealed class LedgerOverHttp(Uri api, IReadOnlyList<TeamSet.Team> teams) : IDisposable
{
    private readonly List<HttpConnection> _connections = [];
    private byte[][] _creates = [];
    private int _turn;

    public async Task<LoopResult> RunAsync(int callers, TimeSpan duration, CancellationToken cancellation)
    {
        if (_creates.Length == 0)
        {
            _creates = [.. teams.Select(team => HttpConnection.Post(api, "/api/jobs/create", team.Key, """{"job_type":"bench"}"""))];
        }

        while (_connections.Count < callers)
        {
            var connection = new HttpConnection(api);
            await connection.OpenAsync(cancellation);
            _connections.Add(connection);
        }

        return await ClosedLoop.RunAsync(callers, duration, caller => PairAsync(_connections[caller]), cancellation);
    }

    private async ValueTask<bool> PairAsync(HttpConnection connection)
    {
        var index = (Interlocked.Increment(ref _turn) & int.MaxValue) % teams.Count;
        var (status, body) = await connection.SendAsync(_creates[index]);
        if (status != 200)
        {
            throw new InvalidOperationException($"create answered {status}: {Encoding.UTF8.GetString(body.Span)}");
        }

        var complete = HttpConnection.Post(api, $"/api/jobs/{JobId(body.Span)}/complete", teams[index].Key, """{"status":"completed"}""");
        (status, body) = await connection.SendAsync(complete);
        return status == 200 ? true : throw new InvalidOperationException($"complete answered {status}: {Encoding.UTF8.GetString(body.Span)}");
    }

    private static Guid JobId(ReadOnlySpan<byte> body)
    {
        var name = "\"job_id\":\""u8;
        return Utf8Parser.TryParse(body[(body.IndexOf(name) + name.Length)..], out Guid id, out _)
            ? id
            : throw new InvalidOperationException($"no job_id in {Encoding.UTF8.GetString(body)}");
    }

    public void Dispose() => _connections.ForEach(connection => connection.Dispose());
}
