using System.Text.Json.Nodes;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash.Load;

/// <summary>One application: opens jobs, calls models in them, ends them this way or that, or forgets them; tells the witness what it heard.</summary>
internal sealed class LoadClient(CrashRig rig, Tenants tenants, Witness witness, Random random, string name)
{
    private const int TriesMax = 6;

    private static readonly TimeSpan s_afterLoss = TimeSpan.FromMilliseconds(50);

    private int _count;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var team = tenants.Teams[random.Next(tenants.Teams.Count)];
            if (random.Next(20) == 0)
            {
                await GrantAsync(team);
            }
            else if (await CreateAsync(team) is { } job)
            {
                await WorkAsync(team, job);
            }
        }
    }

    private async Task GrantAsync(LoadTeam team)
    {
        var (reason, credits) = ($"grant {name}-{++_count}", random.Next(1, 4));
        var answer = await AnyApi().PostAsync(
            $"/api/credits/teams/{team.TeamId}/add", CrashRig.AdminKey, new JsonObject { ["credits"] = credits, ["reason"] = reason });
        witness.Saw(new SeenGrant(team.TeamId, reason, credits, answer.Status, answer.Code));
        await PauseAfterAsync(answer);
    }

    private async Task<Guid?> CreateAsync(LoadTeam team)
    {
        var task = $"task {name}-{++_count}";
        var answer = await AnyApi().PostAsync("/api/jobs/create", team.Key, new JsonObject { ["job_type"] = "crash", ["external_task_id"] = task });
        var job = answer.IsOk ? (Guid?)answer.Body!["job_id"]!.GetValue<Guid>() : null;
        witness.Saw(new SeenCreate(team.TeamId, task, answer.Status, answer.Code, job));
        await PauseAfterAsync(answer);
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
        var answer = await AnyApi().PostAsync($"/api/jobs/{job}/llm-call", team.Key, new JsonObject
        {
            ["model_group"] = tenants.Groups[random.Next(tenants.Groups.Count)],
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Say hello." }),
        });
        witness.Saw(new SeenCall(team.TeamId, job, answer.Status, answer.IsOk ? answer.Body!["call_id"]!.GetValue<Guid>() : null));
        await PauseAfterAsync(answer);
    }

    // Whoever does not hear how a job ended asks again: the answer must be the same.
    private async Task EndAsync(LoadTeam team, Guid job, string status)
    {
        for (var tries = 1; tries <= TriesMax; tries++)
        {
            var answer = status == "cancelled"
                ? await AnyApi().PostAsync($"/api/jobs/{job}/cancel", team.Key)
                : await AnyApi().PostAsync($"/api/jobs/{job}/complete", team.Key, new JsonObject { ["status"] = status });
            witness.Saw(new SeenEnd(
                team.TeamId, job, answer.Status,
                answer.IsOk ? (string)answer.Body!["status"]! : null,
                answer.IsOk ? (decimal)answer.Body!["costs"]!["credits_charged"]! : 0));
            if (answer.Status is not (0 or 503))
            {
                return;
            }

            await PauseAfterAsync(answer);
        }
    }

    private ApiCaller AnyApi() => rig.Apis[random.Next(rig.Apis.Count)];

    private static Task PauseAfterAsync(ApiAnswer answer) => answer.Status is 0 or 503 ? Task.Delay(s_afterLoss) : Task.CompletedTask;
}
