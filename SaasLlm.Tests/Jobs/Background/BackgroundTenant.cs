using System.Diagnostics;
using System.Text.Json.Nodes;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>A team that submits jobs.</summary>
internal sealed class BackgroundTenant(BackgroundBench bench, ApiClient client, string key, string teamId, string group)
{
    public ApiClient Client => client;

    public string Key => key;

    public string TeamId => teamId;

    public string Group => group;

    /// <summary>A step that says <paramref name="prompt"/>, with further members.</summary>
    public string Step(string name, string prompt, string members = "")
        => $$"""{"name":"{{name}}","model_group":"{{group}}","messages":[{"role":"user","content":{{JsonValue.Create(prompt).ToJsonString()}}}]{{(members.Length == 0 ? "" : ",")}}{{members}}}""";

    public Task<string> SubmitAsync(params string[] steps) => SubmitWithAsync("", steps);

    public async Task<string> SubmitWithAsync(string members, params string[] steps)
        => (string)(await client.PostAsync(
            "/api/jobs/submit", $$"""{"job_type":"test","steps":[{{string.Join(',', steps)}}]{{(members.Length == 0 ? "" : ",")}}{{members}}}""")).Is(200)["job_id"]!;

    /// <summary>A batch whose inputs are 0, 1, 2, ….</summary>
    public async Task<string> SubmitBatchAsync(int inputs, string prompt = "Input {{input}}", string members = "")
        => (string)(await client.PostAsync("/api/jobs/submit", $$"""
            {"job_type":"test","batch":{"step":{{Step("shared", prompt)}},"inputs":[{{string.Join(',', Enumerable.Range(0, inputs))}}]}{{(members.Length == 0 ? "" : ",")}}{{members}}}
            """)).Is(200)["job_id"]!;

    public async Task<ApiAnswer> ReadAsync(string job) => (await client.GetAsync($"/api/jobs/{job}")).Is(200);

    /// <summary>The job, once it and its plan have ended.</summary>
    public async Task<ApiAnswer> EndAsync(string job, TimeSpan? patience = null)
    {
        var began = Stopwatch.GetTimestamp();
        while (await StateAsync(job) != "ended")
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < (patience ?? Eventually.Patience), $"{(await ReadAsync(job)).Text} {await StepsAsync(job)}");
            await Task.Delay(20);
        }

        return await ReadAsync(job);
    }

    /// <summary>Waits until <paramref name="isSo"/> says so.</summary>
    public static Task UntilAsync(Func<Task<bool>> isSo)
        => Eventually.IsSoAsync(isSo, () => "It did not come to that", TimeSpan.FromMilliseconds(10));

    public Task<string> StateAsync(string job) => bench.ScalarAsync<string>("SELECT state FROM background_jobs WHERE team_id = $1 AND job_id = $2", teamId, Guid.Parse(job));

    /// <summary>For example <c>parse succeeded, rate waiting</c>.</summary>
    public Task<string> StepsAsync(string job) => bench.ScalarAsync<string>(
        "SELECT string_agg(name || ' ' || status, ', ' ORDER BY ordinal) FROM background_steps WHERE team_id = $1 AND job_id = $2", teamId, Guid.Parse(job));

    /// <summary>What is remaining, held and used.</summary>
    public async Task<(decimal Remaining, decimal Held, decimal Used)> CreditsAsync()
    {
        var balance = (await client.GetAsync($"/api/credits/teams/{teamId}/balance")).Is(200);
        return ((decimal)balance["credits_remaining"]!, (decimal)balance["credits_held"]!, (decimal)balance["credits_used"]!);
    }

    /// <summary>Counters that do not fit the rows they count; empty.</summary>
    public Task<string> MiscountsAsync() => bench.ScalarAsync<string>("""
        SELECT coalesce(string_agg(what, ', '), '') FROM (
          SELECT 'team ' || t.ready || ' ' || t.running AS what FROM background_teams t
           WHERE t.team_id = $1
             AND (t.ready, t.running) <> (SELECT count(*) FILTER (WHERE status = 'ready'), count(*) FILTER (WHERE status = 'running') FROM background_steps s WHERE s.team_id = $1)
          UNION ALL
          SELECT 'job ' || b.job_id FROM background_jobs b
            CROSS JOIN LATERAL (
               SELECT count(*) FILTER (WHERE status = 'succeeded') AS succeeded, count(*) FILTER (WHERE status = 'failed') AS failed,
                      count(*) FILTER (WHERE status = 'skipped') AS skipped, count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
                      count(*) FILTER (WHERE status IN ('ready', 'scheduled', 'running')) AS in_flight, max(ended_sequence) AS sequence,
                      count(DISTINCT ended_sequence) AS events
                 FROM background_steps s WHERE s.team_id = b.team_id AND s.job_id = b.job_id) c
           WHERE b.team_id = $1
             AND ((b.succeeded, b.failed, b.skipped, b.cancelled, b.in_flight) <> (c.succeeded, c.failed, c.skipped, c.cancelled, c.in_flight)
                  OR coalesce(c.sequence, 0) <> c.events OR b.last_sequence <> c.events + (b.state = 'ended')::integer)) m
        """, teamId);
}
