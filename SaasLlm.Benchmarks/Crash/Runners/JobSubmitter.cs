using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using SaasLlm.Benchmarks.Crash.Load;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash.Runners;

/// <summary>Submits jobs of all kinds, and cancels some. Each prompt begins with its step's name in brackets.</summary>
internal sealed class JobSubmitter(RunnersBench bench)
{
    private const int BadEvery = 11;
    private const int CancelledEvery = 13;

    // Longer than an API needs to start again, and than its claim on an Idempotency-Key lasts.
    private const int TriesMax = 150;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentQueue<Guid> _submitted = [];
    private readonly ConcurrentQueue<string> _refused = [];
    private int _count;
    private int _asked;

    /// <summary>As they were answered.</summary>
    public IReadOnlyCollection<Guid> Submitted => _submitted;

    /// <summary>Answers that were not 200; of those that never came, or told to come again, the last.</summary>
    public IReadOnlyCollection<string> Refused => _refused;

    public Task SubmitAsync(int jobs) => Parallel.ForAsync(0, jobs, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (_, _) =>
    {
        var number = Interlocked.Increment(ref _count);
        var team = bench.Tenants.Teams[number % bench.Tenants.Teams.Count];
        var job = await SubmitAsync(team, new() { ["job_type"] = "runners", ["max_parallelism"] = 3, ["steps"] = StepsOf(number) });
        if (job is { } id && number % CancelledEvery == 0)
        {
            await Task.Delay(Random.Shared.Next(300), CancellationToken.None);
            var answer = await AskAsync($"/api/jobs/{id}/cancel", team, null);
            if (answer.Status is not (200 or 409))
            {
                _refused.Enqueue($"cancel of {id}: {answer}");
            }
        }
    });

    public Task SubmitBatchAsync(int inputs) => SubmitAsync(bench.Tenants.Teams[0], new()
    {
        ["job_type"] = RunnersBench.BatchType,
        ["batch"] = new JsonObject
        {
            ["step"] = Step("shared", RunnersBench.GoodGroup, "[{{input}}] Rate this."),
            ["inputs"] = new JsonArray([.. Enumerable.Range(0, inputs).Select(number => JsonValue.Create(number.ToString(CultureInfo.InvariantCulture)))]),
        },
    });

    private async Task<Guid?> SubmitAsync(LoadTeam team, JsonObject body)
    {
        var answer = await AskAsync("/api/jobs/submit", team, body);
        if (!answer.IsOk)
        {
            _refused.Enqueue($"submission: {answer}");
            return null;
        }

        var id = answer.Body!["job_id"]!.GetValue<Guid>();
        _submitted.Enqueue(id);
        return id;
    }

    // As a careful application does: under one Idempotency-Key, until it is answered.
    private async Task<ApiAnswer> AskAsync(string path, LoadTeam team, JsonObject? body)
    {
        var repeatKey = $"ask-{Interlocked.Increment(ref _asked)}";
        var answer = await bench.Rig.Apis[0].PostAsync(path, team.Key, body, repeatKey);
        for (var tries = 1; answer.IsOpen && tries < TriesMax; tries++)
        {
            await Task.Delay(s_pause);
            answer = await bench.Rig.Apis[0].PostAsync(path, team.Key, body, repeatKey);
        }

        return answer;
    }

    private static JsonArray StepsOf(int number) => (number % 3) switch
    {
        _ when number % BadEvery == 0 => new(Named("a"), Step("b", RunnersBench.BadGroup, "[b] This is refused.", "a"), Named("c", "b")),
        // One after the other, each with the answer of the one before it.
        0 => new(
            Named("a"), Step("b", RunnersBench.RescuedGroup, "[b] Rate {{steps.a.content}}", "a"),
            Step("c", RunnersBench.GoodGroup, "[c] Sum up {{steps.b.content}}", "b")),
        // Four that wait for nothing.
        1 => new(Named("a"), Free("b"), Free("c"), Free("d")),
        // Two that wait for one, and one for both.
        _ => new(Named("a"), Named("b", "a"), Named("c", "a"), Step("d", RunnersBench.GoodGroup, "[d] {{steps.b.content}} or {{steps.c.content}}", "b", "c")),
    };

    private static JsonObject Named(string name, params string[] dependsOn) => Step(name, RunnersBench.GoodGroup, $"[{name}] Say something.", dependsOn);

    private static JsonObject Free(string name)
    {
        var step = Named(name);
        step["depends_on"] = new JsonArray();
        return step;
    }

    private static JsonObject Step(string name, string group, string prompt, params string[] dependsOn)
    {
        var step = new JsonObject
        {
            ["name"] = name,
            ["model_group"] = group,
            ["purpose"] = name,
            ["max_tries"] = 10,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
        };
        if (dependsOn.Length > 0)
        {
            step["depends_on"] = new JsonArray([.. dependsOn.Select(before => JsonValue.Create(before))]);
        }

        return step;
    }
}
