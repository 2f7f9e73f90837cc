using System.Text.Json.Nodes;
using SaasLlm.Benchmarks.Crash.Load;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash.Checks;

/// <summary>Whether every request that reached the gateway has its attempt, which is written before it is sent, and none was sent twice.</summary>
internal static class UpstreamChecks
{
    // The simulator remembers no more.
    private const int Remembered = 500;

    public static async Task<IReadOnlyList<string>> FindAsync(CrashRig rig, Witness witness)
    {
        var refusals = witness.Calls.Select(call => (call.Prompt, call.Refusals))
            .Concat(witness.OneShots.Select(call => (call.Prompt, call.Refusals)))
            .ToDictionary(call => call.Prompt, call => call.Refusals);
        var sent = await SentAsync(rig, [.. refusals.Keys]);
        var attempts = await AttemptsAsync(rig, [.. sent.Select(request => request.Job).Distinct()]);
        // Under its key a call is made again when it failed, and only then.
        return
        [
            .. sent.CountBy(request => request)
                .Where(count => count.Value > 1 + attempts.GetValueOrDefault((count.Key.Job, count.Key.Model)).Failed + refusals[count.Key.Prompt])
                .Select(count => $"call was sent upstream more than once: {count.Key}: {count.Value} times"),
            .. sent.CountBy(request => (request.Job, request.Model))
                .Where(count => count.Value > attempts.GetValueOrDefault(count.Key).Written)
                .Select(count => $"request upstream without an attempt: {count.Key}: {count.Value} sent, {attempts.GetValueOrDefault(count.Key).Written} written"),
        ];
    }

    // The gateway may serve others as well.
    private static async Task<IReadOnlyList<Sent>> SentAsync(CrashRig rig, HashSet<string> prompts)
    {
        using var simulator = new ApiCaller(rig.Site.Gateway);
        var answer = await simulator.SendAsync(HttpMethod.Get, $"/simulator/requests?last={Remembered}", rig.Site.MasterKey);
        return
        [
            .. from request in answer.Body!["requests"]!.AsArray()
               let body = request["body"] as JsonObject
               let prompt = body?["messages"] is JsonArray { Count: 1 } messages ? messages[0]!["content"]?.ToString() : null
               where prompt is not null && prompts.Contains(prompt)
               select new Sent(body["metadata"]!["job_id"]!.GetValue<Guid>(), prompt, body["model"]!.ToString()),
        ];
    }

    private static async Task<Dictionary<(Guid Job, string Model), (long Written, long Failed)>> AttemptsAsync(CrashRig rig, Guid[] jobs)
    {
        await using var command = rig.Source.CreateCommand("""
            SELECT job_id, model_name, count(*), count(*) FILTER (WHERE status = 'failed') FROM llm_attempts WHERE job_id = ANY ($1) GROUP BY job_id, model_name
            """);
        command.Parameters.Add(new() { Value = jobs });
        await using var rows = await command.ExecuteReaderAsync();
        var attempts = new Dictionary<(Guid, string), (long, long)>();
        while (await rows.ReadAsync())
        {
            attempts[(rows.GetGuid(0), rows.GetString(1))] = (rows.GetInt64(2), rows.GetInt64(3));
        }

        return attempts;
    }

    private sealed record Sent(Guid Job, string Prompt, string Model);
}
