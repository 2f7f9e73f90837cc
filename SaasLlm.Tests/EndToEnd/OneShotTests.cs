using System.Text.Json.Nodes;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>Requests that are a job of their own: by the job API, and as OpenAI's clients write them.</summary>
public sealed class OneShotTests(AppFixture fixture)
{
    [Fact]
    public async Task A_one_shot_job_is_opened_called_and_charged_at_once()
    {
        var tenant = await ReadyAsync(3, "gpt-4-turbo");

        var answer = (await tenant.Team.PostAsync("/api/jobs/create-and-call",
            $$"""{"job_type":"summary","external_task_id":"t-1","metadata":{"a":1},"model_group":"{{tenant.Group}}","messages":[{"role":"user","content":"x"}]}""")).Is(200);

        Assert.Equal(("completed", tenant.Group), ((string)answer["status"]!, (string)answer["response"]!["model"]!));
        Assert.Equal((true, 1m, 2m), ((bool)answer["costs"]!["credit_applied"]!, (decimal)answer["costs"]!["credits_charged"]!, (decimal)answer["costs"]!["credits_remaining"]!));
        var job = (await tenant.Team.GetAsync($"/api/jobs/{answer["job_id"]}")).Is(200);
        Assert.Equal(("summary", "t-1", 1), ((string)job["job_type"]!, (string)job["external_task_id"]!, (int)job["metadata"]!["a"]!));
        Assert.Equal(["succeeded"], (await tenant.AttemptsAsync((string)answer["job_id"]!)).Select(attempt => (string)attempt!["status"]!));
    }

    [Fact]
    public async Task A_one_shot_job_whose_call_fails_costs_nothing_and_can_be_read()
    {
        var tenant = await ReadyAsync(3, "mock/503");

        var refused = (await tenant.Team.PostAsync("/api/jobs/create-and-call",
            $$"""{"job_type":"summary","model_group":"{{tenant.Group}}","messages":[{"role":"user","content":"x"}]}""")).Is(502, "llm.all_models_failed");

        Assert.Equal("failed", (string)(await tenant.Team.GetAsync($"/api/jobs/{refused["job_id"]}")).Is(200)["status"]!);
        var balance = await tenant.BalanceAsync();
        Assert.Equal((3m, 0m), ((decimal)balance["credits_remaining"]!, (decimal)balance["credits_held"]!));
    }

    [Theory]
    [InlineData("""{"model_group":"G","messages":[]}""", 422)]
    [InlineData("""{"job_type":"x","messages":[]}""", 422)]
    [InlineData("""{"job_type":5,"model_group":"G","messages":[]}""", 422)]
    [InlineData("""[]""", 400)]
    public async Task What_is_wrong_with_a_one_shot_body_is_said(string body, int status)
    {
        var tenant = await Tenant.CreateAsync(fixture, 1, "gpt-4-turbo");

        (await tenant.Team.PostAsync("/api/jobs/create-and-call", body)).Is(status);
        (await tenant.Team.PostAsync("/api/jobs/create-and-call-stream", body)).Is(status);
    }

    [Fact]
    public async Task A_one_shot_stream_ends_with_the_jobs_end()
    {
        var tenant = await ReadyAsync(3, "gpt-4-turbo");

        var answer = await tenant.StreamAsync("/api/jobs/create-and-call-stream",
            $$"""{"job_type":"summary","model_group":"{{tenant.Group}}","messages":[{"role":"user","content":"x"}]}""");

        Assert.Equal("[DONE]", answer.Events[^1]);
        var end = JsonNode.Parse(answer.Events[^2])!;
        Assert.Equal(("completed", 2m), ((string)end["status"]!, (decimal)end["costs"]!["credits_remaining"]!));
        Assert.Equal(2, (decimal)(await tenant.BalanceAsync())["credits_remaining"]!);
    }

    [Fact]
    public async Task An_OpenAI_request_is_a_job_of_its_own()
    {
        var tenant = await ReadyAsync(3, "gpt-4-turbo");

        var answer = (await tenant.Team.PostAsync("/v1/chat/completions",
            $$"""{"model":"{{tenant.Group}}","messages":[{"role":"user","content":"x"}],"user":"u-1","metadata":{"label":"a"},"stream":false}""")).Is(200);

        Assert.Equal(("chat.completion", tenant.Group), ((string)answer["object"]!, (string)answer["model"]!));
        Assert.True((int)answer["usage"]!["total_tokens"]! > 0);
        Assert.Equal(2, (decimal)(await tenant.BalanceAsync())["credits_remaining"]!);
        var job = Assert.Single((await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs")).Is(200)["items"]!.AsArray())!;
        Assert.Equal(("completed", "u-1"), ((string)job["status"]!, (string)job["user_id"]!));
    }

    [Theory]
    [InlineData("/chat/completions")]
    [InlineData("/openai/v1/chat/completions")]
    [InlineData("/openai/deployments/GROUP/chat/completions?api-version=2024-10-21")]
    public async Task The_same_route_is_found_however_a_client_writes_it(string path)
    {
        var tenant = await ReadyAsync(1, "gpt-4-turbo");
        var model = path.Contains("deployments", StringComparison.Ordinal) ? "" : $"\"model\":\"{tenant.Group}\",";

        (await tenant.Team.PostAsync(path.Replace("GROUP", tenant.Group, StringComparison.Ordinal), $$"""{{{model}}"messages":[{"role":"user","content":"x"}]}""")).Is(200);
    }

    [Fact]
    public async Task A_streamed_OpenAI_request_says_its_usage_once_and_only_if_asked()
    {
        var tenant = await ReadyAsync(3, "gpt-4-turbo");
        var body = $$"""{"model":"{{tenant.Group}}","messages":[{"role":"user","content":"x"}],"stream":true""";

        var plain = await tenant.StreamAsync("/v1/chat/completions", body + "}");
        var asked = await tenant.StreamAsync("/v1/chat/completions", body + ""","stream_options":{"include_usage":true}}""");

        Assert.DoesNotContain("usage", plain.Text, StringComparison.Ordinal);
        var usage = JsonNode.Parse(Assert.Single(asked.Events, item => item.Contains("usage", StringComparison.Ordinal)))!;
        Assert.Equal(usage.ToJsonString(), JsonNode.Parse(asked.Events[^2])!.ToJsonString());
        Assert.Empty(usage["choices"]!.AsArray());
        Assert.Equal((1m, 1m), ((decimal)usage["saasllm"]!["credits_charged"]!, (decimal)usage["saasllm"]!["credits_remaining"]!));
    }

    [Fact]
    public async Task A_request_can_join_an_open_job()
    {
        var tenant = await ReadyAsync(3, "gpt-4-turbo");
        var job = await tenant.OpenJobAsync();

        var answer = await tenant.PostInJobAsync(job, "/v1/chat/completions", $$"""{"model":"{{tenant.Group}}","messages":[{"role":"user","content":"x"}]}""");

        Assert.Equal(200, answer.Status);
        Assert.Equal((1, 1m), ((int)(await tenant.CompleteAsync(job)).Is(200)["costs"]!["total_calls"]!, (decimal)(await tenant.BalanceAsync())["credits_used"]!));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_request_cannot_join_what_is_not_its_teams(bool isThere)
    {
        var tenant = await ReadyAsync(1, "gpt-4-turbo");
        var job = isThere ? await (await ReadyAsync(1, "gpt-4-turbo")).OpenJobAsync() : Guid.NewGuid().ToString();

        var answer = await tenant.PostInJobAsync(job, "/v1/chat/completions", $$"""{"model":"{{tenant.Group}}","messages":[{"role":"user","content":"x"}]}""");

        answer.Is(404, "job.not_found");
    }

    [Theory]
    [InlineData("""{"model":"nope","messages":[{"role":"user","content":"x"}]}""", 404, "model_group.not_found")]
    [InlineData("""{"messages":[]}""", 400, "llm.invalid_request")]
    [InlineData("""{"model":"GROUP","messages":[],"stream":"yes"}""", 400, "llm.invalid_request")]
    [InlineData("""{"model":"GROUP","messages":[{"role":"user","content":"x"}],"fallbacks":["gpt-5"]}""", 400, "llm.unknown_field")]
    [InlineData("""{"model":"GROUP","model":"GROUP","messages":[{"role":"user","content":"x"}]}""", 400, "llm.invalid_request")]
    [InlineData("""not json""", 400, "llm.invalid_request")]
    public async Task Errors_are_in_OpenAIs_envelope(string body, int status, string code)
    {
        var tenant = await ReadyAsync(1, "gpt-4-turbo");

        var answer = (await tenant.Team.PostAsync("/v1/chat/completions", body.Replace("GROUP", tenant.Group, StringComparison.Ordinal))).Is(status);

        Assert.Equal(["error"], answer.Json.AsObject().Select(member => member.Key));
        Assert.Equal((code, "invalid_request_error"), ((string)answer["error"]!["code"]!, (string)answer["error"]!["type"]!));
        Assert.NotEqual("", (string)answer["error"]!["message"]!);
        Assert.Equal(1, (decimal)(await tenant.BalanceAsync())["credits_available"]!);
    }

    [Fact]
    public async Task Without_credits_or_a_key_OpenAIs_clients_are_told_so()
    {
        var tenant = await ReadyAsync(0, "gpt-4-turbo");
        var body = $$"""{"model":"{{tenant.Group}}","messages":[{"role":"user","content":"x"}]}""";

        var poor = (await tenant.Team.PostAsync("/v1/chat/completions", body)).Is(402);
        Assert.Equal(("credits.insufficient", "insufficient_quota", 0m),
            ((string)poor["error"]!["code"]!, (string)poor["error"]!["type"]!, (decimal)poor["error"]!["available"]!));

        using var nobody = new ApiClient((await fixture.AppAsync()).Api.BaseAddress!, "sk-wrong");
        Assert.Equal("access.unauthorized", (string)(await nobody.PostAsync("/v1/chat/completions", body)).Is(401)["error"]!["code"]!);
        Assert.Equal("access.team_key_needed", (string)(await tenant.Operator.PostAsync("/v1/chat/completions", body)).Is(403)["error"]!["code"]!);
        Assert.Equal("route.not_found", (string)(await tenant.Team.PostAsync("/v1/images/generations", "{}")).Is(404)["error"]!["code"]!);
    }

    // Its gateway key is there: a one-shot request is not repeated by the test.
    private async Task<Tenant> ReadyAsync(int credits, params string[] models)
    {
        var tenant = await Tenant.CreateAsync(fixture, credits, models);
        await tenant.WaitForKeyAsync(fixture);
        return tenant;
    }
}
