using System.Text.Json.Nodes;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary><c>/v1/responses</c> and <c>/v1/completions</c> on the running product.</summary>
public sealed class ResponseRouteTests(AppFixture fixture)
{
    [Fact]
    public async Task A_response_is_a_job_of_its_own()
    {
        var tenant = await ReadyAsync("mock/500", "gpt-4-turbo");

        var answer = (await tenant.Team.PostAsync("/v1/responses", $$"""{"model":"{{tenant.Group}}","input":"x","user":"u-1"}""")).Is(200);

        Assert.Equal(("response", "completed", tenant.Group), ((string)answer["object"]!, (string)answer["status"]!, (string)answer["model"]!));
        Assert.Equal(2, (decimal)(await tenant.BalanceAsync())["credits_remaining"]!);
        var job = Assert.Single((await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs")).Is(200)["items"]!.AsArray())!;
        Assert.Equal(("completed", "responses", "u-1"), ((string)job["status"]!, (string)job["job_type"]!, (string)job["user_id"]!));
    }

    [Fact]
    public async Task A_stream_is_charged_before_its_last_event()
    {
        var tenant = await ReadyAsync("gpt-4-turbo");

        var answer = await tenant.StreamAsync("/v1/responses", $$"""{"model":"{{tenant.Group}}","input":"x","stream":true}""");

        var frames = answer.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("event: response.created\ndata: ", frames[0], StringComparison.Ordinal);
        Assert.StartsWith("event: response.completed\ndata: ", frames[^1], StringComparison.Ordinal);
        var job = Assert.Single((await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs")).Is(200)["items"]!.AsArray())!;
        Assert.Equal(
            $$"""{"job_id":"{{job["job_id"]}}","credits_charged":1,"credits_remaining":2}""",
            JsonNode.Parse(frames[^1].Split("\ndata: ")[1])!["saasllm"]!.ToJsonString());
        Assert.Equal(2, (decimal)(await tenant.BalanceAsync())["credits_remaining"]!);
    }

    [Theory]
    [InlineData("""{"type":"function","name":"get_weather"}""")]
    [InlineData("\"required\"")]
    public async Task A_tool_is_called_whole_and_streamed(string choice)
    {
        var tenant = await ReadyAsync("gpt-4-turbo");
        var body = $$$"""{"model":"{{{tenant.Group}}}","input":"x","tools":[{"type":"function","name":"get_weather","parameters":{"type":"object"}}],"tool_choice":{{{choice}}}""";

        var call = (await tenant.Team.PostAsync("/v1/responses", body + "}")).Is(200)["output"]![0]!;
        var stream = await tenant.StreamAsync("/v1/responses", body + ",\"stream\":true}");

        Assert.Equal(("function_call", "get_weather", "{}"), ((string)call["type"]!, (string)call["name"]!, (string)call["arguments"]!));
        var events = stream.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(frame => JsonNode.Parse(frame.Split("\ndata: ")[1])!).ToList();
        Assert.Equal(
            ["response.created", "response.in_progress", "response.output_item.added", "response.function_call_arguments.delta", "response.function_call_arguments.done", "response.output_item.done", "response.completed"],
            events.Select(item => (string)item["type"]!));
        Assert.Equal("{}", (string)events[3]["delta"]!);
        Assert.Equal((string)events[2]["item"]!["id"]!, (string)events[^1]["response"]!["output"]![0]!["id"]!);
    }

    [Fact]
    public async Task A_stream_that_breaks_ends_in_response_failed_and_costs_nothing()
    {
        var tenant = await ReadyAsync("mock/cut-at-7");

        var answer = await tenant.StreamAsync("/v1/responses", $$"""{"model":"{{tenant.Group}}","input":"one two three four five six seven eight nine","stream":true}""");

        var last = answer.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1].Split("\ndata: ");
        var failed = JsonNode.Parse(last[1])!;
        Assert.Equal(("event: response.failed", "failed", "llm.stream_failed", tenant.Group),
            (last[0], (string)failed["response"]!["status"]!, (string)failed["response"]!["error"]!["code"]!, (string)failed["response"]!["model"]!));
        Assert.Equal((3m, 0m), (await tenant.BalanceAsync()) switch { var balance => ((decimal)balance["credits_remaining"]!, (decimal)balance["credits_held"]!) });
    }

    [Theory]
    [InlineData("/v1/responses", "\"input\":\"x\"")]
    [InlineData("/v1/completions", "\"prompt\":\"x\"")]
    public async Task A_request_can_join_an_open_job(string path, string body)
    {
        var tenant = await ReadyAsync("gpt-4-turbo");
        var job = await tenant.OpenJobAsync();

        (await tenant.PostInJobAsync(job, path, $$"""{"model":"{{tenant.Group}}",{{body}}}""")).Is(200);

        Assert.Equal(1, (int)(await tenant.CompleteAsync(job)).Is(200)["costs"]!["total_calls"]!);
    }

    [Theory]
    [InlineData("\"Say hello.\"")]
    [InlineData("[\"Say hello.\"]")]
    public async Task A_completion_is_a_text_completion(string prompt)
    {
        var tenant = await ReadyAsync("gpt-4-turbo");
        var body = $$"""{"model":"{{tenant.Group}}","prompt":{{prompt}},"echo":false,"logprobs":null,"best_of":1,"suffix":null""";

        var answer = (await tenant.Team.PostAsync("/v1/completions", body + "}")).Is(200);
        var stream = await tenant.StreamAsync("/v1/completions", body + ""","stream":true,"stream_options":{"include_usage":true}}""");

        var choice = answer["choices"]![0]!;
        Assert.Equal(("text_completion", tenant.Group), ((string)answer["object"]!, (string)answer["model"]!));
        Assert.Equal(["text", "index", "logprobs", "finish_reason"], choice.AsObject().Select(member => member.Key));
        Assert.StartsWith("cmpl-", (string)answer["id"]!, StringComparison.Ordinal);
        Assert.Equal("[DONE]", stream.Events[^1]);
        var chunks = stream.Events[..^1].Select(item => JsonNode.Parse(item)!).ToList();
        Assert.Equal((string)choice["text"]!, string.Concat(chunks.SelectMany(chunk => chunk["choices"]!.AsArray()).Select(part => (string)part!["text"]!)));
        Assert.Equal((int)answer["usage"]!["total_tokens"]!, (int)Assert.Single(chunks, chunk => chunk["usage"] is not null)["usage"]!["total_tokens"]!);
        Assert.Equal(1, (decimal)(await tenant.BalanceAsync())["credits_remaining"]!);
    }

    [Theory]
    [InlineData("{}", "prompt")]
    [InlineData("""{"prompt":["a","b"]}""", "prompt")]
    [InlineData("""{"prompt":[1,2]}""", "prompt")]
    [InlineData("""{"prompt":"x","logprobs":1}""", "logprobs")]
    [InlineData("""{"prompt":"x","echo":true}""", "echo")]
    [InlineData("""{"prompt":"x","best_of":2}""", "best_of")]
    [InlineData("""{"prompt":"x","messages":[]}""", "messages")]
    [InlineData("""{"prompt":"x","fallbacks":[]}""", "fallbacks")]
    public async Task What_a_completion_cannot_be_is_named(string fields, string field)
    {
        var tenant = await ReadyAsync("gpt-4-turbo");

        var answer = (await tenant.Team.PostAsync("/v1/completions", fields.Insert(1, $"\"model\":\"{tenant.Group}\"" + (fields.Length > 2 ? "," : "")))).Is(400);

        Assert.Equal(field, (string)answer["error"]!["param"]!);
    }

    private async Task<Tenant> ReadyAsync(params string[] models)
    {
        var tenant = await Tenant.CreateAsync(fixture, 3, models);
        await tenant.WaitForKeyAsync(fixture);
        return tenant;
    }
}
