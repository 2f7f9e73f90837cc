using System.Text.Json.Nodes;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash.Load;

/// <summary>One application: opens jobs, calls models in them, ends them this way or that, or forgets them; tells the witness what it heard.</summary>
internal sealed class LoadClient(CrashRig rig, Tenants tenants, Witness witness, Random random, string name)
{
    // With the pauses between, longer than a dead process' claim on an Idempotency-Key.
    private const int TriesMax = 12;

    private static readonly TimeSpan s_pauseMax = TimeSpan.FromMilliseconds(400);

    private int _count;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var team = tenants.Teams[random.Next(tenants.Teams.Count)];
            var what = random.Next(16);
            if (what == 0)
            {
                await GrantAsync(team);
            }
            else if (what < 4)
            {
                await OneShotAsync(team);
            }
            else if (await CreateAsync(team) is { } job)
            {
                await WorkAsync(team, job);
            }
        }
    }

    private async Task GrantAsync(LoadTeam team)
    {
        var reason = $"grant {name}-{++_count}";
        decimal credits = random.Next(1, 4);
        var body = new JsonObject { ["credits"] = credits, ["reason"] = reason, ["priority"] = random.Next(2) == 0 ? 10 : 50 };
        var repeatKey = random.Next(2) == 0 ? reason.Replace(' ', '-') : null;
        if (repeatKey is null && random.Next(2) == 0)
        {
            body["reference"] = reason;
        }

        if (random.Next(3) == 0)
        {
            body["expires_at"] = TimeProvider.System.GetUtcNow().AddSeconds(random.Next(2, 8)).ToString("O");
        }

        // A grant's reference makes a repeat safe, as a key does.
        var (answer, status, _) = await AskAsync($"/api/credits/teams/{team.TeamId}/add", CrashRig.AdminKey, body, repeatKey, repeatKey is not null || body.ContainsKey("reference"));
        witness.Saw(new SeenGrant(team.TeamId, reason, credits, status, answer.Code));
    }

    private async Task<Guid?> CreateAsync(LoadTeam team)
    {
        var task = $"task {name}-{++_count}";
        var repeatKey = random.Next(2) == 0 ? task.Replace(' ', '-') : null;
        var (answer, status, _) = await AskAsync(
            "/api/jobs/create", team.Key, new JsonObject { ["job_type"] = "crash", ["external_task_id"] = task }, repeatKey, repeatKey is not null);
        var job = answer.IsOk ? answer.Body!["job_id"]!.GetValue<Guid>() : (Guid?)null;
        witness.Saw(new SeenCreate(team.TeamId, task, status, answer.Code, job));
        return job;
    }

    private async Task WorkAsync(LoadTeam team, Guid job)
    {
        for (var calls = random.Next(4) switch { 0 or 1 => 0, 2 => 1, _ => 2 }; calls > 0; calls--)
        {
            await CallAsync(team, job);
        }

        switch (random.Next(20))
        {
            case < 11:
                await EndAsync(team, job, "completed");
                break;
            case < 13:
                await EndAsync(team, job, "failed");
                break;
            case < 15:
                await EndAsync(team, job, "cancelled");
                break;
            case < 18:
                // Two who do not know of each other; one of them wins.
                await Task.WhenAll(EndAsync(team, job, "completed"), EndAsync(team, job, random.Next(2) == 0 ? "completed" : "cancelled"));
                break;
            case 18:
                // Called and ended at once.
                await Task.WhenAll(CallAsync(team, job), EndAsync(team, job, "cancelled"));
                break;
            default:
                // Forgotten: its deadline ends it.
                break;
        }
    }

    private async Task CallAsync(LoadTeam team, Guid job)
    {
        var prompt = $"call {name}-{++_count}";
        var repeatKey = random.Next(2) == 0 ? prompt.Replace(' ', '-') : null;
        var route = random.Next(3) == 0 ? "llm-call-stream" : "llm-call";
        var (answer, status, refusals) = await AskAsync($"/api/jobs/{job}/{route}", team.Key, Call("model_group", prompt), repeatKey, repeatKey is not null);
        witness.Saw(new SeenCall(team.TeamId, job, status, answer.IsOk ? answer.Body!["call_id"]!.GetValue<Guid>() : null, prompt, refusals));
    }

    private async Task OneShotAsync(LoadTeam team)
    {
        var (task, prompt) = ($"task {name}-{++_count}", $"call {name}-{_count}");
        var repeatKey = random.Next(2) == 0 ? task.Replace(' ', '-') : null;
        var (answer, status, refusals) = random.Next(3) switch
        {
            0 => await AskAsync("/v1/chat/completions", team.Key, Call("model", prompt), repeatKey, repeatKey is not null, task),
            1 => await AskAsync("/api/jobs/create-and-call", team.Key, WithJob(Call("model_group", prompt), task), repeatKey, repeatKey is not null),
            _ => await AskAsync("/api/jobs/create-and-call-stream", team.Key, WithJob(Call("model_group", prompt), task), repeatKey, repeatKey is not null),
        };
        witness.Saw(new SeenOneShot(
            team.TeamId, task, status, answer.Code,
            answer.IsOk ? answer.Body!["job_id"]!.GetValue<Guid>() : null,
            answer.IsOk ? (decimal)answer.Body!["costs"]!["credits_charged"]! : 0,
            prompt, refusals));
    }

    private JsonObject Call(string groupField, string prompt) => new()
    {
        [groupField] = tenants.Groups[random.Next(tenants.Groups.Count)],
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
        ["max_tokens"] = 8,
    };

    private static JsonObject WithJob(JsonObject call, string task)
    {
        (call["job_type"], call["external_task_id"]) = ("crash", task);
        return call;
    }

    // Whoever does not hear how a job ended asks again: the answer must be the same, with a key or without.
    private async Task EndAsync(LoadTeam team, Guid job, string status)
    {
        var repeatKey = random.Next(3) == 0 ? $"end-{name}-{++_count}" : null;
        var (answer, given, _) = status == "cancelled"
            ? await AskAsync($"/api/jobs/{job}/cancel", team.Key, null, repeatKey, true)
            : await AskAsync($"/api/jobs/{job}/complete", team.Key, new JsonObject { ["status"] = status }, repeatKey, true);
        witness.Saw(new SeenEnd(
            team.TeamId, job, given,
            answer.IsOk ? (string)answer.Body!["status"]! : null,
            answer.IsOk ? (decimal)answer.Body!["costs"]!["credits_charged"]! : 0));
    }

    /// <summary>Asks any API, and again while nobody knows what was done and a repeat is safe.</summary>
    /// <returns>The last answer; its status, 0 where an earlier attempt may have done what the last one did not; how many said 503.</returns>
    private async Task<(ApiAnswer Answer, int Status, int Refusals)> AskAsync(string path, string key, JsonObject? body, string? repeatKey, bool isRepeatable, string? task = null)
    {
        var refusals = 0;
        for (var tries = 1; ; tries++)
        {
            var answer = await rig.Apis[random.Next(rig.Apis.Count)].PostAsync(path, key, body, repeatKey, task);
            refusals += answer.Status == 503 ? 1 : 0;
            if (answer.IsOpen)
            {
                await Task.Delay(s_pauseMax * random.NextDouble());
                if (isRepeatable && tries < TriesMax)
                {
                    continue;
                }
            }

            return (answer, answer.IsOpen && (tries > 1 || answer.Status != 503) ? 0 : answer.Status, refusals);
        }
    }
}
