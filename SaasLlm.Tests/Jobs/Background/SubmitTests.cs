using System.Text.Json.Nodes;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>Submitting a job with its calls, and what is refused. No runner is there.</summary>
[Collection(ApiTests.Name)]
public sealed class SubmitTests(ApiFixture api)
{
    private const string Hello = """ "messages":[{"role":"user","content":"hi"}] """;

    [Fact]
    public async Task A_submitted_sequence_holds_its_credits_and_its_first_step_is_ready()
    {
        var (client, _, group) = await TeamAsync();

        var job = (await client.PostAsync("/api/jobs/submit", $$$"""
            {"job_type":"screening","user_id":"u","external_task_id":"t-1","metadata":{"a":1},
             "steps":[{"name":"parse","model_group":"{{{group}}}",{{{Hello}}} },
                      {"model_group":"{{{group}}}","purpose":"rate","max_tries":5,"messages":[{"role":"user","content":"Rate: {{steps.parse.content}}"}]}]}
            """)).Is(200);

        Assert.Equal(("pending", 2, 1m), ((string)job["status"]!, (int)job["total_steps"]!, (decimal)job["credits_held"]!));
        var read = (await client.GetAsync($"/api/jobs/{job["job_id"]}")).Is(200);
        Assert.Equal(("screening", "u", "t-1", "pending"), ((string)read["job_type"]!, (string)read["user_id"]!, (string)read["external_task_id"]!, (string)read["status"]!));
        Assert.Equal("""{"total":2,"done":0,"succeeded":0,"failed":0,"skipped":0,"cancelled":0,"eta_seconds":null,"retry_of":null}""", read["progress"]!.ToJsonString());
        var steps = (await client.GetAsync($"/api/jobs/{job["job_id"]}/steps")).Is(200)["items"]!.AsArray();
        Assert.Equal(
            ["0 parse ready [] 3", "1 step_2 waiting [0] 5"],
            steps.Select(step => $"{step!["ordinal"]} {step["name"]} {step["status"]} {step["depends_on"]!.ToJsonString()} {step["max_tries"]}"));
        Assert.Equal(["step_2"], Names(await client.GetAsync($"/api/jobs/{job["job_id"]}/steps?status=waiting")));
        var page = (await client.GetAsync($"/api/jobs/{job["job_id"]}/steps?limit=1&sort=-ordinal")).Is(200);
        Assert.Equal(["step_2"], Names(page));
        Assert.Equal(["parse"], Names(await client.GetAsync($"/api/jobs/{job["job_id"]}/steps?limit=1&sort=-ordinal&cursor={page["next_cursor"]}")));
    }

    [Fact]
    public async Task A_batch_has_a_step_an_input_of_which_only_its_parallelism_is_ready()
    {
        var (client, team, group) = await TeamAsync();
        var inputs = string.Join(',', Enumerable.Range(0, 60).Select(number => $$"""{"name":"N{{number}}"}"""));

        var job = (await client.PostAsync("/api/jobs/submit", $$$"""
            {"job_type":"screening","max_parallelism":7,"batch":{"step":{"model_group":"{{{group}}}","messages":[{"role":"user","content":"Greet {{input.name}}"}]},"inputs":[{{{inputs}}}]}}
            """)).Is(200);

        Assert.Equal(60, (int)job["total_steps"]!);
        Assert.Equal("7 ready, 53 waiting", await api.ScalarAsync<string>("""
            SELECT string_agg(n || ' ' || status, ', ' ORDER BY status) FROM (
              SELECT status, count(*) AS n FROM background_steps WHERE team_id = $1 GROUP BY status) s
            """, team));
        Assert.Equal(7, await api.ScalarAsync<int>("SELECT ready FROM background_teams WHERE team_id = $1", team));
    }

    [Fact]
    public async Task What_is_asked_is_never_plain_in_the_database()
    {
        var (client, team, group) = await TeamAsync();

        (await client.PostAsync("/api/jobs/submit", $$"""{"job_type":"a","steps":[{"model_group":"{{group}}","messages":[{"role":"user","content":"my secret prompt"}]}]}""")).Is(200);
        (await client.PostAsync("/api/jobs/submit", $$$"""
            {"job_type":"a","batch":{"step":{"model_group":"{{{group}}}","messages":[{"role":"user","content":"my secret {{input}}"}]},"inputs":["my secret input"]}}
            """)).Is(200);

        Assert.Equal(0L, await api.ScalarAsync<long>("""
            SELECT count(*) FROM background_steps s JOIN background_jobs j USING (team_id, job_id)
             WHERE team_id = $1 AND position('secret'::bytea IN s.request || coalesce(j.template, '')) > 0
            """, team));
    }

    [Fact]
    public async Task A_job_for_later_waits_for_its_time_and_its_deadline_counts_from_there()
    {
        var (client, team, group) = await TeamAsync();
        var (at, began) = (DateTimeOffset.UtcNow.AddDays(2), System.Diagnostics.Stopwatch.GetTimestamp());

        var job = (await client.PostAsync("/api/jobs/submit",
            $$"""{"job_type":"a","run_at":"{{at:O}}","deadline_seconds":600,"steps":[{"model_group":"{{group}}",{{Hello}}}]}""")).Is(200);

        var took = System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds;
        Assert.Equal("scheduled", await api.ScalarAsync<string>("SELECT state FROM background_jobs WHERE team_id = $1", team));
        Assert.Equal("waiting", await api.ScalarAsync<string>("SELECT status FROM background_steps WHERE team_id = $1", team));
        Assert.InRange(((DateTimeOffset)job["deadline_at"]! - at).TotalSeconds, 599, 602 + took);
        Assert.Equal(1, (decimal)job["credits_held"]!);
    }

    [Fact]
    public async Task A_job_whose_steps_have_not_run_cannot_be_completed_but_failed()
    {
        var (client, team, group) = await TeamAsync();
        var job = (await client.PostAsync("/api/jobs/submit", $$"""{"job_type":"a","steps":[{"model_group":"{{group}}",{{Hello}}}]}""")).Is(200)["job_id"];

        (await client.PostAsync($"/api/jobs/{job}/complete", """{"status":"completed"}""")).Is(409, "background.runs_itself");

        Assert.Equal("pending", (string)(await client.GetAsync($"/api/jobs/{job}")).Is(200)["status"]!);
        (await client.PostAsync($"/api/jobs/{job}/complete", """{"status":"failed"}""")).Is(200);
        Assert.Equal("ended", await api.ScalarAsync<string>("SELECT state FROM background_jobs WHERE team_id = $1", team));
        Assert.Equal("cancelled", await api.ScalarAsync<string>("SELECT status FROM background_steps WHERE team_id = $1", team));
    }

    [Fact]
    public async Task Without_credits_nothing_is_left_of_it()
    {
        var (client, team, group) = await TeamAsync(credits: 0);

        (await client.PostAsync("/api/jobs/submit", $$"""{"job_type":"a","steps":[{"model_group":"{{group}}",{{Hello}}}]}""")).Is(402, "credits.insufficient");

        Assert.Equal(0L, await api.ScalarAsync<long>("SELECT count(*) FROM background_jobs WHERE team_id = $1", team));
        Assert.Equal(0L, await api.ScalarAsync<long>("SELECT count(*) FROM background_steps WHERE team_id = $1", team));
    }

    [Fact]
    public async Task Cancelling_the_job_cancels_what_has_not_run()
    {
        var (client, team, group) = await TeamAsync();
        var job = (string)(await client.PostAsync("/api/jobs/submit", $$"""{"job_type":"a","steps":[{"model_group":"{{group}}",{{Hello}}},{"model_group":"{{group}}",{{Hello}}}]}""")).Is(200)["job_id"]!;

        (await client.PostAsync($"/api/jobs/{job}/cancel")).Is(200);

        Assert.Equal("cancelled cancelled", await api.ScalarAsync<string>("SELECT string_agg(status, ' ') FROM background_steps WHERE team_id = $1", team));
        Assert.Equal("ended 2 3", await api.ScalarAsync<string>("SELECT state || ' ' || cancelled || ' ' || last_sequence FROM background_jobs WHERE team_id = $1", team));
        Assert.Equal(0, await api.ScalarAsync<int>("SELECT ready FROM background_teams WHERE team_id = $1", team));
    }

    [Fact]
    public async Task More_calls_than_the_job_type_allows_are_refused_with_its_name()
    {
        var (client, _, group) = await TeamAsync();
        var type = ApiFixture.Unique("type");
        (await api.Operator.PostAsync("/api/job-types/create", $$"""{"name":"{{type}}","max_calls":1}""")).Is(200);

        var refused = (await client.PostAsync("/api/jobs/submit", $$"""{"job_type":"{{type}}","steps":[{"model_group":"{{group}}",{{Hello}}},{"model_group":"{{group}}",{{Hello}}}]}""")).Is(422);

        Assert.Equal(["steps"], refused.RefusedFields);
        Assert.Contains($"'{type}' may make 1", refused.Text, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Refused => new()
    {
        { """ "steps":[] """, "steps" },
        { """ "steps":null """, "steps" },
        { """ "steps":[STEP],"batch":{"step":STEP,"inputs":[1]} """, "steps" },
        { """ "steps":["x"] """, "steps[0]" },
        { """ "steps":[{"messages":[]}] """, "steps[0].model_group" },
        { """ "steps":[{"model_group":"NotGranted","messages":[{"role":"user","content":"hi"}]}] """, "steps[0].model_group" },
        { """ "steps":[{"model_group":"GROUP","messages":[]}] """, "steps[0].messages" },
        { """ "steps":[{"model_group":"GROUP","messages":[{"role":"user","content":"hi"}],"fallbacks":["x"]}] """, "steps[0].fallbacks" },
        { """ "steps":[{"model_group":"GROUP","messages":[{"role":"user","content":"hi"}],"stream":true}] """, "steps[0].stream" },
        { """ "steps":[STEP,{"model_group":"GROUP","messages":[{"role":"user","content":"{{steps.step_1.text}}"}]}] """, "steps[1].messages[0].content" },
        { """ "steps":[STEP,{"model_group":"GROUP","messages":[{"role":"user","content":"{{steps.nobody.content}}"}]}] """, "steps[1].messages[0].content" },
        { """ "mode":"parallel","steps":[STEP,{"model_group":"GROUP","messages":[{"role":"user","content":"{{steps.step_1.content}}"}]}] """, "steps[1].messages[0].content" },
        { """ "steps":[{"model_group":"GROUP","messages":[{"role":"user","content":"{{input}}"}]}] """, "steps[0].messages[0].content" },
        { """ "steps":[{"model_group":"GROUP","messages":[{"role":"user","content":"open {{ brace"}]}] """, "steps[0].messages[0].content" },
        { """ "steps":[{"name":"a","depends_on":["b"],"model_group":"GROUP",HELLO},{"name":"b","depends_on":["a"],"model_group":"GROUP",HELLO}] """, "steps[0].depends_on" },
        { """ "steps":[{"name":"a","depends_on":["a"],"model_group":"GROUP",HELLO}] """, "steps[0].depends_on" },
        { """ "steps":[{"name":"a","depends_on":["c"],"model_group":"GROUP",HELLO}] """, "steps[0].depends_on" },
        { """ "steps":[{"name":"a","model_group":"GROUP",HELLO},{"name":"a","model_group":"GROUP",HELLO}] """, "steps[1].name" },
        { """ "steps":[{"name":"a b","model_group":"GROUP",HELLO}] """, "steps[0].name" },
        { """ "steps":[{"name":5,"model_group":"GROUP",HELLO}] """, "steps[0].name" },
        { """ "steps":[{"max_tries":11,"model_group":"GROUP",HELLO}] """, "steps[0].max_tries" },
        { """ "steps":[{"depends_on":"a","model_group":"GROUP",HELLO}] """, "steps[0].depends_on" },
        { """ "batch":{"step":STEP} """, "batch" },
        { """ "batch":{"step":STEP,"inputs":[]} """, "batch" },
        { """ "batch":{"inputs":[1]} """, "batch" },
        { """ "mode":"sequence","batch":{"step":STEP,"inputs":[1]} """, "mode" },
        { """ "batch":{"step":{"depends_on":["a"],"model_group":"GROUP",HELLO},"inputs":[1]} """, "batch.step.depends_on" },
        { """ "batch":{"step":{"model_group":"GROUP","messages":[{"role":"user","content":"{{input.a}}"}]},"inputs":[{"a":1},{"b":1}]} """, "batch.inputs[1]" },
        { """ "batch":{"step":{"model_group":"GROUP","messages":[{"role":"user","content":"{{steps.a.content}}"}]},"inputs":[1]} """, "batch.step.messages[0].content" },
        { """ "steps":[STEP],"max_parallelism":257 """, "max_parallelism" },
        { """ "steps":[STEP],"priority":10 """, "priority" },
        { """ "steps":[STEP],"deadline_seconds":0 """, "deadline_seconds" },
        { """ "steps":[STEP],"run_at":"2199-01-01T00:00:00Z" """, "run_at" },
        { """ "steps":[STEP],"mode":"random" """, "mode" },
        { """ "steps":[STEP],"on_step_failure":"ignore" """, "on_step_failure" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task What_could_not_run_is_refused_by_its_place_and_leaves_nothing(string fields, string place)
    {
        var (client, team, group) = await TeamAsync();
        var body = fields.Replace("STEP", "{\"model_group\":\"GROUP\",HELLO}", StringComparison.Ordinal)
            .Replace("GROUP", group, StringComparison.Ordinal).Replace("HELLO", Hello, StringComparison.Ordinal);

        var refused = (await client.PostAsync("/api/jobs/submit", $$"""{"job_type":"a",{{body}}}""")).Is(422);

        Assert.Equal([place], refused.RefusedFields);
        Assert.Equal(0L, await api.ScalarAsync<long>("SELECT count(*) FROM background_jobs WHERE team_id = $1", team));
        Assert.Equal(0L, await api.ScalarAsync<long>("SELECT count(*) FROM jobs WHERE team_id = $1", team));
    }

    private static IEnumerable<string> Names(ApiAnswer page) => page.Is(200)["items"]!.AsArray().Select(step => (string)step!["name"]!);

    private async Task<(ApiClient Client, string Team, string Group)> TeamAsync(int credits = 10)
    {
        var group = await api.CreateGroupAsync();
        var team = await api.CreateTeamAsync(credits, null, group);
        return (api.First.As(team.Key), team.Id, group);
    }
}
