using System.Text.Json.Nodes;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash.Checks;

/// <summary>Whether every request that reached the gateway has its attempt: it is written before it is sent.</summary>
internal static class UpstreamChecks
{
    // The simulator remembers no more.
    private const int Remembered = 500;

    public static async Task<IReadOnlyList<string>> FindAsync(CrashRig rig)
    {
        using var simulator = new ApiCaller(rig.Site.Gateway);
        var answer = await simulator.SendAsync(HttpMethod.Get, $"/simulator/requests?last={Remembered}", rig.Site.MasterKey);
        var sent = answer.Body!["requests"]!.AsArray()
            .Select(request => request!["body"] as JsonObject)
            .Select(body => body?["metadata"] is JsonObject metadata && metadata["job_id"] is { } job ? (Guid?)job.GetValue<Guid>() : null)
            .OfType<Guid>().CountBy(job => job).ToDictionary();
        // The gateway may serve others as well: only jobs that are here.
        await using var command = rig.Source.CreateCommand("""
            SELECT j.job_id, count(a.attempt_id) FROM jobs j LEFT JOIN llm_attempts a USING (team_id, job_id) WHERE j.job_id = ANY ($1) GROUP BY j.job_id
            """);
        command.Parameters.Add(new() { Value = sent.Keys.ToArray() });
        await using var rows = await command.ExecuteReaderAsync();
        List<string> found = [];
        while (await rows.ReadAsync())
        {
            var (job, attempts) = (rows.GetGuid(0), rows.GetInt64(1));
            if (sent[job] > attempts)
            {
                found.Add($"request upstream without an attempt: {job}: {sent[job]} sent, {attempts} written");
            }
        }

        return found;
    }
}
