using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.OpenAi;

/// <summary>The responses API, against a gateway that answers as the test says.</summary>
public sealed class ResponseTests
{
    private const string Answer = """
        {"id":"resp_gateway-secret","object":"response","created_at":1,"model":"secret-model-7","status":"completed","error":null,"instructions":null,
         "output":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"abc"},
                   {"type":"message","id":"msg_1","role":"assistant","status":"completed","phase":null,"content":[{"type":"output_text","text":"Hello.","annotations":[],"logprobs":null}]},
                   {"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{}","status":"completed","provider_specific_fields":{"x":1}}],
         "parallel_tool_calls":true,"temperature":1.0,"text":{},"tools":[],"top_p":1.0,"truncation":"disabled","store":true,"service_tier":"default",
         "usage":{"input_tokens":1000,"input_tokens_details":{"cached_tokens":200},"output_tokens":500,"output_tokens_details":{"reasoning_tokens":100},"total_tokens":1500,"cost":0.5}}
        """;

    private const string Created = """{"type":"response.created","response":{"id":"resp_gateway-secret","status":"in_progress","model":"secret-model-7","output":[]},"sequence_number":0,"model":"secret-model-7"}""";
    private const string Added = """{"type":"response.output_item.added","output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]},"sequence_number":1,"model":"secret-model-7"}""";
    private const string Delta = """{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hel","sequence_number":2,"model":"secret-model-7","obfuscation":"x"}""";
    private const string Delta2 = """{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"lo.","sequence_number":3,"model":"secret-model-7"}""";

    private static readonly string s_completed = $$"""{"type":"response.completed","response":{{Answer.ReplaceLineEndings(" ")}},"sequence_number":4,"model":"secret-model-7"}""";

    [Fact]
    public async Task The_answer_is_written_anew_with_ids_of_the_teams_own()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, Answer);
        using var bench = new CallerBench(gateway.BaseUrl);

        var answer = (await CallAsync(bench, """{"input":"Hi","instructions":"Be brief.","metadata":{"a":"b"},"user":"u"}""")).Value;

        var response = JsonNode.Parse(answer.Response.GetRawText())!;
        Assert.Equal(("response", "completed", "ResumeAgent", "Be brief.", "b"), ((string)response["object"]!, (string)response["status"]!,
            (string)response["model"]!, (string)response["instructions"]!, (string)response["metadata"]!["a"]!));
        Assert.Equal(["reasoning", "message", "function_call"], response["output"]!.AsArray().Select(item => (string)item!["type"]!));
        Assert.Equal(("Hello.", "abc", "{}"), ((string)response["output"]![1]!["content"]![0]!["text"]!, (string)response["output"]![0]!["encrypted_content"]!, (string)response["output"]![2]!["arguments"]!));
        Assert.Equal((1000, 200, 500, 100, 1500), ((int)response["usage"]!["input_tokens"]!, (int)response["usage"]!["input_tokens_details"]!["cached_tokens"]!,
            (int)response["usage"]!["output_tokens"]!, (int)response["usage"]!["output_tokens_details"]!["reasoning_tokens"]!, (int)response["usage"]!["total_tokens"]!));
        foreach (var hidden in new[] { "secret", "gateway", "cost", "provider_specific_fields", "service_tier", "msg_1", "rs_1", "fc_1" })
        {
            Assert.DoesNotContain(hidden, answer.Response.GetRawText().Replace("tokens_details", "", StringComparison.Ordinal), StringComparison.Ordinal);
        }

        Assert.StartsWith("resp_", (string)response["id"]!, StringComparison.Ordinal);
        var end = bench.Ledger.Of<EndCall>().Single();
        Assert.Equal((new TokenUsage(1000, 200, 500, 100), 0.0232m), (end.Usage, end.ProviderCostUsd));
    }

    [Fact]
    public async Task The_gateway_gets_what_it_knows_with_our_metadata_where_it_does_not_pass_it_on()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, Answer);
        using var bench = new CallerBench(gateway.BaseUrl);

        Assert.Null((await CallAsync(bench, """{"input":[{"role":"user","content":"Hi"}],"metadata":{"a":"b"},"user":"u-1","include":null,"previous_response_id":null,"text":{},"background":false,"tools":[]}""")).Failure);

        var sent = JsonNode.Parse(gateway.Requests.Single().Body)!.AsObject();
        Assert.Equal("/v1/responses", gateway.Requests.Single().Path);
        Assert.Equal(["input", "litellm_metadata", "model", "stream", "text", "tools"], sent.Select(field => field.Key).Order());
        Assert.False((bool)sent["stream"]!);
    }

    [Fact]
    public async Task A_response_goes_on_from_an_earlier_one_at_the_model_that_gave_it()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => StubGateway.Json(http, body.Contains("secret-model-7", StringComparison.Ordinal) ? 500 : 200, Answer);
        using var bench = new CallerBench(gateway.BaseUrl);
        var first = (await CallAsync(bench, """{"input":"Hi"}""")).Value.Response;
        gateway.Requests.Clear();

        var item = first.GetProperty("output")[0].GetProperty("id").GetString();
        Assert.Null((await CallAsync(bench, $$"""
            {"previous_response_id":"{{first.GetProperty("id").GetString()}}",
             "input":[{"type":"reasoning","id":"{{item}}","summary":[]},{"type":"item_reference","id":"{{item}}"},{"type":"function_call","id":"fc_mine","call_id":"c","name":"f","arguments":"{}"}]}
            """)).Failure);

        var sent = JsonNode.Parse(gateway.Requests.Single().Body)!;
        Assert.Equal(("other-model-8", "resp_gateway-secret"), ((string)sent["model"]!, (string)sent["previous_response_id"]!));
        Assert.Equal(["rs_1", "rs_1", null], sent["input"]!.AsArray().Select(given => (string?)given!["id"]));
    }

    [Theory]
    [InlineData("""{"input":"Hi","previous_response_id":"THEIRS"}""", "previous_response_id")]
    [InlineData("""{"input":"Hi","previous_response_id":"resp_gateway-secret"}""", "previous_response_id")]
    [InlineData("""{"input":"Hi","previous_response_id":""}""", "previous_response_id")]
    [InlineData("""{"input":[{"type":"item_reference","id":"THEIRS"}]}""", "input")]
    [InlineData("""{"input":[{"type":"item_reference","id":"msg_1"}]}""", "input")]
    [InlineData("""{"input":[{"type":"item_reference"}]}""", "input")]
    public async Task What_another_team_got_is_not_there(string body, string field)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, Answer);
        using var bench = new CallerBench(gateway.BaseUrl);
        var theirs = (await CallAsync(bench, """{"input":"Hi"}""", team: "team_2")).Value.Response.GetProperty("id").GetString();
        gateway.Requests.Clear();

        var failure = (await CallAsync(bench, body.Replace("THEIRS", theirs, StringComparison.Ordinal))).Failure!;

        Assert.Equal((FailureKind.NotFound, "response.not_found", field), (failure.Kind, failure.Code, failure.Details!["param"]));
        Assert.Empty(gateway.Requests);
    }

    [Fact]
    public async Task A_model_that_is_no_longer_in_the_group_cannot_be_gone_on_with()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, Answer);
        using var bench = new CallerBench(gateway.BaseUrl);
        var id = (await CallAsync(bench, """{"input":"Hi"}""")).Value.Response.GetProperty("id").GetString();
        using var later = new CallerBench(gateway.BaseUrl, ["other-model-8"]);

        Assert.Equal("response.not_found", (await CallAsync(later, $$"""{"input":"Hi","previous_response_id":"{{id}}"}""")).Failure?.Code);
    }

    [Theory]
    [InlineData("""{}""", "input")]
    [InlineData("""{"input":[]}""", "input")]
    [InlineData("""{"input":[7]}""", "input[0]")]
    [InlineData("""{"input":[{"role":"robot","content":"x"}]}""", "input[0].role")]
    [InlineData("""{"input":[{"role":"user"}]}""", "input[0].content")]
    [InlineData("""{"input":[{"role":"user","content":"x","cache_control":{}}]}""", "input[0].cache_control")]
    [InlineData("""{"input":[{"type":"web_search_call","id":"x"}]}""", "input[0].type")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}""", "input[0].content[0].type")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","image_url":"http://10.0.0.1/x"}]}]}""", "input[0].content[0].image_url")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_image","file_id":"file-1"}]}]}""", "input[0].content[0].file_id")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"input_file","file_url":"file:///etc/passwd"}]}]}""", "input[0].content[0].file_url")]
    [InlineData("""{"input":[{"type":"function_call_output","call_id":"c","output":[{"type":"input_file","file_id":"file-1"}]}]}""", "input[0].output[0].file_id")]
    [InlineData("""{"input":"x","tools":[{"type":"web_search"}]}""", "tools[0].type")]
    [InlineData("""{"input":"x","tools":[{"type":"mcp","server_url":"https://x"}]}""", "tools[0].type")]
    [InlineData("""{"input":"x","tools":[{"type":"function","name":"f","server":"x"}]}""", "tools[0].server")]
    [InlineData("""{"input":"x","background":true}""", "background")]
    [InlineData("""{"input":"x","conversation":"conv_1"}""", "conversation")]
    [InlineData("""{"input":"x","prompt":{"id":"pmpt_1"}}""", "prompt")]
    [InlineData("""{"input":"x","service_tier":"priority"}""", "service_tier")]
    [InlineData("""{"input":"x","litellm_metadata":{}}""", "litellm_metadata")]
    [InlineData("""{"input":"x","fallbacks":[]}""", "fallbacks")]
    [InlineData("""{"input":"x","max_output_tokens":0}""", "max_output_tokens")]
    [InlineData("""{"input":"\ud800"}""", "body")]
    public async Task What_is_wrong_is_named_and_nothing_is_sent(string body, string field)
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = new CallerBench(gateway.BaseUrl);

        var failure = (await CallAsync(bench, body)).Failure!;

        Assert.Equal((FailureKind.Invalid, field), (failure.Kind, failure.Details!["param"]));
        Assert.Empty(gateway.Requests);
    }

    [Theory]
    [InlineData("""{"id":"r","status":"failed","error":{"code":"server_error","message":"x"},"output":[]}""")]
    [InlineData("""{"id":"r","status":"completed","output":[]}""")]
    [InlineData("""{"id":"r","status":"completed","output":[{"type":"reasoning","id":"rs"}]}""")]
    [InlineData("""{"id":"r","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":""}]}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"x"}}]}""")]
    public async Task What_holds_nothing_is_a_failed_model(string upstream)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, upstream);
        using var bench = new CallerBench(gateway.BaseUrl);

        Assert.Equal("llm.all_models_failed", (await CallAsync(bench, """{"input":"x"}""")).Failure?.Code);
        Assert.Equal(2, gateway.Requests.Count);
    }

    [Fact]
    public async Task What_the_request_refers_to_and_is_gone_is_no_fault_of_the_model()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 404, StubGateway.Error("litellm.NotFoundError: OpenAIException - Item with id 'rs_1' not found."));
        using var bench = new CallerBench(gateway.BaseUrl);

        Assert.Equal("llm.request_rejected", (await CallAsync(bench, """{"input":"x"}""")).Failure?.Code);
        Assert.Single(gateway.Requests);
    }

    [Fact]
    public async Task A_stream_begins_with_created_and_gives_its_last_event_with_the_end()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => SseAsync(http, Created, Added, Delta, Delta2, s_completed, "[DONE]");
        using var bench = new CallerBench(gateway.BaseUrl);

        var (events, end) = await StreamAsync(bench);

        Assert.Equal(["response.created", "response.in_progress", "response.output_item.added", "response.output_text.delta", "response.output_text.delta"], events.Select(item => (string)item["type"]!));
        Assert.Equal(Enumerable.Range(0, 5), events.Select(item => (int)item["sequence_number"]!));
        var last = JsonNode.Parse(end.Value.Response.GetRawText())!;
        Assert.Equal(("response.completed", 5, "Hello."), ((string)last["type"]!, (int)last["sequence_number"]!, (string)last["response"]!["output"]![1]!["content"]![0]!["text"]!));
        Assert.Equal((string)events[0]["response"]!["id"]!, (string)last["response"]!["id"]!);
        Assert.Equal((string)events[2]["item"]!["id"]!, (string)last["response"]!["output"]![1]!["id"]!);
        Assert.Equal((string)events[2]["item"]!["id"]!, (string)events[3]["item_id"]!);
        Assert.DoesNotContain(events, item => item.ToJsonString().Contains("secret", StringComparison.Ordinal) || item.ToJsonString().Contains("obfuscation", StringComparison.Ordinal));
        Assert.Equal(
            (new TokenUsage(1000, 200, 500, 100), 0.0232m, 0.5m), bench.Ledger.Of<EndCall>().Single() switch { var call => (call.Usage, call.ProviderCostUsd, call.GatewayCostUsd) });
    }

    [Theory]
    [InlineData("""{"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"server_error","message":"x"}}}""")]
    [InlineData("""{"type":"error","code":"server_error","message":"x"}""")]
    [InlineData("""{"error":{"message":"x","code":"500"}}""")]
    [InlineData("""{"type":"response.completed","response":{"id":"r","status":"completed","output":[]}}""")]
    [InlineData("[DONE]")]
    public async Task Before_the_first_content_the_next_model_takes_over(string failing)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => body.Contains("secret-model-7", StringComparison.Ordinal) ? SseAsync(http, Created, Added, failing) : SseAsync(http, Created, Added, Delta, s_completed);
        using var bench = new CallerBench(gateway.BaseUrl);

        var (events, end) = await StreamAsync(bench);

        Assert.Null(end.Failure);
        Assert.Equal(Enumerable.Range(0, 4), events.Select(item => (int)item["sequence_number"]!));
        Assert.Equal("other-model-8", bench.Ledger.Of<EndCall>().Single().ResolvedModel);
    }

    [Theory]
    [InlineData("""{"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"server_error","message":"x"}}}""")]
    [InlineData("[DONE]")]
    [InlineData(null)]
    public async Task After_it_the_stream_is_broken(string? failing)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => failing is null ? SseAsync(http, Created, Added, Delta) : SseAsync(http, Created, Added, Delta, failing);
        using var bench = new CallerBench(gateway.BaseUrl);

        var (events, end) = await StreamAsync(bench);

        Assert.Equal((4, "llm.stream_failed"), (events.Count, end.Failure?.Code));
        Assert.Null(bench.Ledger.Of<EndCall>().Single().ProviderCostUsd);
    }

    private static Task<Result<LlmAnswer>> CallAsync(CallerBench bench, string body, string team = "team_1")
        => bench.Caller.CallAsync(new(team, JobId.New(TimeProvider.System), "ResumeAgent", null, JsonElement.Parse(body), Route: LlmRoute.Responses), default);

    private static async Task<(List<JsonNode> Events, Result<LlmAnswer> End)> StreamAsync(CallerBench bench)
    {
        var stream = (await bench.Caller.StreamAsync(
            new("team_1", JobId.New(TimeProvider.System), "ResumeAgent", null, JsonElement.Parse("""{"input":"Hi"}"""), Route: LlmRoute.Responses), TimeSpan.FromSeconds(30), default)).Value;
        var text = new StringBuilder();
        await foreach (var chunk in stream.Chunks.ReadAllAsync())
        {
            text.Append(Encoding.UTF8.GetString(chunk.Span));
        }

        var frames = text.ToString().Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(frame => frame.Split("\ndata: ")).ToList();
        var events = frames.Select(frame => JsonNode.Parse(frame[1])!).ToList();
        Assert.Equal(frames.Select(frame => frame[0]), events.Select(item => $"event: {(string)item["type"]!}"));
        return (events, await stream.End);
    }

    private static async Task SseAsync(Microsoft.AspNetCore.Http.HttpContext http, params string[] events)
    {
        http.Response.ContentType = "text/event-stream";
        foreach (var item in events)
        {
            await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"data: {item}\n\n"));
            await http.Response.Body.FlushAsync();
        }
    }
}
