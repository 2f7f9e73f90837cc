using System.Buffers.Text;
using System.Text;
using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Benchmarks.Stack;

/// <summary>The same pairs as an app sends them: <c>POST /api/jobs/create</c> and <c>/complete</c>.</summary>
internal sealed class LedgerOverHttp : IDisposable
{
    private readonly Uri _api;
    private readonly IReadOnlyList<TeamSet.Team> _teams;
    private readonly byte[][] _creates;
    private readonly List<HttpCaller> _callers = [];
    private int _turn;

    public LedgerOverHttp(Uri api, IReadOnlyList<TeamSet.Team> teams)
    {
        (_api, _teams) = (api, teams);
        _creates = [.. teams.Select(team => HttpConnection.Post(api, "/api/jobs/create", team.Key, """{"job_type":"bench"}"""))];
    }

    public Task<LoopResult> RunAsync(int callers, TimeSpan duration, CancellationToken cancellation)
    {
        while (_callers.Count < callers)
        {
            _callers.Add(new Caller(this));
        }

        return HttpLoop.RunAsync([.. _callers.Take(callers)], duration, cancellation);
    }

    public void Dispose() => _callers.ForEach(caller => caller.Dispose());

    private sealed class Caller(LedgerOverHttp load) : HttpCaller(load._api)
    {
        private int _team;
        private bool _isCompleting;

        public override void Begin()
        {
            (_team, _isCompleting) = (load._turn++ % load._teams.Count, false);
            Connection.Send(load._creates[_team]);
        }

        public override bool IsDone()
        {
            if (_isCompleting)
            {
                return true;
            }

            _isCompleting = true;
            var path = $"/api/jobs/{JobId(Connection.Body.Span)}/complete";
            Connection.Send(HttpConnection.Post(load._api, path, load._teams[_team].Key, """{"status":"completed"}"""));
            return false;
        }

        private static Guid JobId(ReadOnlySpan<byte> body)
        {
            var name = "\"job_id\":\""u8;
            return Utf8Parser.TryParse(body[(body.IndexOf(name) + name.Length)..], out Guid id, out _)
                ? id
                : throw new InvalidOperationException($"no job_id in {Encoding.UTF8.GetString(body)}");
        }
    }
}
