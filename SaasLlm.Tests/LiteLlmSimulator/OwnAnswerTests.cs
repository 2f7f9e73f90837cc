using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>What the simulator answers by itself: the same each time, with a usage that follows from the prompt.</summary>
public sealed class OwnAnswerTests
{
    // "Say hello." is 10 bytes, 3 tokens; "Simulated answer to: Say hello." is 31 bytes, 8 tokens.
    [Fact]
    public async Task A_token_is_four_bytes_and_the_cost_follows()
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.ChatAsync("gpt-4o-mini");

        var body = await BodyAsync(answer);
        Assert.Equal("Simulated answer to: Say hello.", body["choices"]![0]!["message"]!["content"]!.GetValue<string>());
        Assert.Equal("""{"completion_tokens":8,"prompt_tokens":3,"total_tokens":11}""", body["usage"]!.ToJsonString());
        Assert.Equal("5.25e-06", Assert.Single(answer.Headers.GetValues("x-litellm-response-cost")));
        Assert.Equal("4.5e-07", Assert.Single(answer.Headers.GetValues("x-litellm-response-cost-input")));
    }

    [Fact]
    public async Task Ids_count_up_so_that_no_two_answers_have_one()
    {
        await using var host = await SimulatorHost.StartAsync();

        using var first = await host.ChatAsync("gpt-4o-mini");
        using var second = await host.ChatAsync("gpt-4o-mini");

        Assert.Equal("chatcmpl-sim-000002", (await BodyAsync(first))["id"]!.GetValue<string>());
        Assert.Equal("chatcmpl-sim-000004", (await BodyAsync(second))["id"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_stream_says_what_the_plain_answer_says()
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.ChatAsync("gpt-4o-mini", stream: true, more: ",\"stream_options\":{\"include_usage\":true}");

        var chunks = await ChunksAsync(answer);
        Assert.Equal("Simulated answer to: Say hello.", string.Concat(chunks.Select(chunk => chunk["choices"]![0]!["delta"]!["content"]?.GetValue<string>())));
        Assert.Equal("stop", chunks[^2]["choices"]![0]!["finish_reason"]!.GetValue<string>());
        Assert.Equal(11, chunks[^1]["usage"]!["total_tokens"]!.GetValue<int>());
        Assert.All(chunks.SkipLast(1), chunk => Assert.Null(chunk["usage"]));
        Assert.False(answer.Headers.Contains("x-litellm-response-cost"));
    }

    [Fact]
    public async Task Max_tokens_is_honoured()
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.ChatAsync("gpt-4o-mini", more: ",\"max_tokens\":2");

        var body = await BodyAsync(answer);
        Assert.Equal("Simulate", body["choices"]![0]!["message"]!["content"]!.GetValue<string>());
        Assert.Equal("length", body["choices"]![0]!["finish_reason"]!.GetValue<string>());
        Assert.Equal(2, body["usage"]!["completion_tokens"]!.GetValue<int>());
    }

    [Fact]
    public async Task N_choices_cost_n_times()
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.ChatAsync("gpt-4o-mini", more: ",\"n\":3");

        var body = await BodyAsync(answer);
        Assert.Equal([0, 1, 2], body["choices"]!.AsArray().Select(choice => choice!["index"]!.GetValue<int>()));
        Assert.Equal(24, body["usage"]!["completion_tokens"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("\"required\"", "get_weather")]
    [InlineData("{\"type\":\"function\",\"function\":{\"name\":\"get_time\"}}", "get_time")]
    public async Task A_demanded_tool_call_is_made(string choice, string name)
    {
        await using var host = await SimulatorHost.StartAsync();
        const string Tools = """[{"type":"function","function":{"name":"get_weather"}},{"type":"function","function":{"name":"get_time"}}]""";
        var more = $",\"tool_choice\":{choice},\"tools\":{Tools}";

        using var plain = await host.ChatAsync("gpt-4o-mini", more: more);
        using var streamed = await host.ChatAsync("gpt-4o-mini", stream: true, more: more);

        var body = await BodyAsync(plain);
        var chunks = await ChunksAsync(streamed);
        Assert.Equal(name, body["choices"]![0]!["message"]!["tool_calls"]![0]!["function"]!["name"]!.GetValue<string>());
        Assert.Equal("tool_calls", body["choices"]![0]!["finish_reason"]!.GetValue<string>());
        Assert.Equal(name, chunks[0]["choices"]![0]!["delta"]!["tool_calls"]![0]!["function"]!["name"]!.GetValue<string>());
        Assert.Equal("tool_calls", chunks[^1]["choices"]![0]!["finish_reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task Embeddings_are_the_same_for_the_same_text_in_either_format()
    {
        await using var host = await SimulatorHost.StartAsync();

        using var floats = await host.PostAsync("/v1/embeddings", """{"model":"text-embedding-3-small","input":["a","b","a"]}""");
        using var packed = await host.PostAsync("/v1/embeddings", """{"model":"text-embedding-3-small","input":"a","encoding_format":"base64","dimensions":4}""");
        using var few = await host.PostAsync("/v1/embeddings", """{"model":"text-embedding-3-small","input":"a","dimensions":4}""");

        var rows = (await BodyAsync(floats))["data"]!.AsArray();
        Assert.Equal(1536, rows[0]!["embedding"]!.AsArray().Count);
        Assert.True(JsonNode.DeepEquals(rows[0]!["embedding"], rows[2]!["embedding"]));
        Assert.False(JsonNode.DeepEquals(rows[0]!["embedding"], rows[1]!["embedding"]));
        var bytes = Convert.FromBase64String((await BodyAsync(packed))["data"]![0]!["embedding"]!.GetValue<string>());
        var numbers = (await BodyAsync(few))["data"]![0]!["embedding"]!.AsArray();
        Assert.Equal(4 * sizeof(float), bytes.Length);
        Assert.All(Enumerable.Range(0, 4), i => Assert.Equal(
            BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(i * sizeof(float))), numbers[i]!.GetValue<float>(), 0.000001f));
    }

    [Theory]
    [InlineData("[1,2,3,4,5]", 1, 5)]
    [InlineData("[[1,2],[3]]", 2, 3)]
    [InlineData("\"12345\"", 1, 2)]
    public async Task Embeddings_count_tokens_as_given(string input, int rows, int tokens)
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.PostAsync("/v1/embeddings", $$"""{"model":"text-embedding-3-small","dimensions":2,"input":{{input}}}""");

        var body = await BodyAsync(answer);
        Assert.Equal((rows, tokens), (body["data"]!.AsArray().Count, body["usage"]!["prompt_tokens"]!.GetValue<int>()));
    }

    [Theory]
    [InlineData("gpt-4-turbo", "1e-05", "3e-05")]
    [InlineData("gpt-3.5-turbo", "5e-07", "1.5e-06")]
    [InlineData("gpt-4-turbo-preview", "1e-05", "3e-05")]
    [InlineData("gpt-4o", "2.5e-06", "1e-05")]
    [InlineData("claude-3-5-sonnet", "3e-06", "1.5e-05")]
    [InlineData("text-embedding-3-small", "2e-08", "0.0")]
    [InlineData("free/echo", "0.0", "0.0")]
    [InlineData("unpriced/echo", "null", "null")]
    [InlineData("mock/*", "1e-06", "2e-06")]
    [InlineData("mock/429", "1e-06", "2e-06")]
    [InlineData("recorded/*", "1e-06", "2e-06")]
    public async Task Model_info_has_the_prices(string model, string input, string output)
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.GetAsync("/model/info");

        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        var info = Assert.Single(body.RootElement.GetProperty("data").EnumerateArray(), row => row.GetProperty("model_name").GetString() == model).GetProperty("model_info");
        Assert.Equal(input, info.GetProperty("input_cost_per_token").GetRawText());
        Assert.Equal(output, info.GetProperty("output_cost_per_token").GetRawText());
    }

    [Theory]
    [InlineData("free/echo")]
    [InlineData("unpriced/echo")]
    public async Task A_call_that_costs_nothing_has_no_cost_header(string model)
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.ChatAsync(model);

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.False(answer.Headers.Contains("x-litellm-response-cost"));
    }

    [Fact]
    public async Task A_key_spends_until_its_budget_is_used_up()
    {
        await using var host = await SimulatorHost.StartAsync();
        using var made = await host.PostAsync("/key/generate", """{"max_budget":0.003}""");
        var key = (await BodyAsync(made))["key"]!.GetValue<string>();

        using var first = await host.ChatAsync("mock/usage-1000-500", key: key);
        using var second = await host.ChatAsync("mock/usage-1000-500", key: key);
        using var third = await host.ChatAsync("mock/usage-1000-500", key: key);

        Assert.Equal("0.002", Assert.Single(first.Headers.GetValues("x-litellm-key-spend")));
        Assert.Equal("0.004", Assert.Single(second.Headers.GetValues("x-litellm-key-spend")));
        Assert.Equal((422, "budget_exceeded"), ((int)third.StatusCode, (await BodyAsync(third))["error"]!["type"]!.GetValue<string>()));
    }

    [Fact]
    public async Task What_was_received_is_kept_with_its_key_hidden()
    {
        await using var host = await SimulatorHost.StartAsync();
        (await host.ChatAsync("gpt-4o", key: "sk-secret-of-a-tenant-1234")).Dispose();

        using var answer = await host.GetAsync("/simulator/requests");
        var text = await answer.Content.ReadAsStringAsync();
        using var dropped = await host.SendAsync(HttpMethod.Delete, "/simulator/requests");
        using var after = await host.GetAsync("/simulator/requests");

        var request = Assert.Single(JsonNode.Parse(text)!["requests"]!.AsArray())!;
        Assert.Equal("/v1/chat/completions", request["path"]!.GetValue<string>());
        Assert.Equal("gpt-4o", request["body"]!["model"]!.GetValue<string>());
        Assert.Matches("^Bearer sha256:[0-9a-f]{64}\\.\\.\\.1234$", request["headers"]!["authorization"]!.GetValue<string>());
        Assert.DoesNotContain("sk-secret", text);
        Assert.Equal("""{"requests":[]}""", await after.Content.ReadAsStringAsync());
    }

    private static async Task<JsonNode> BodyAsync(HttpResponseMessage answer) => JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;

    private static async Task<List<JsonNode>> ChunksAsync(HttpResponseMessage answer)
    {
        var lines = (await answer.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("data: [DONE]", lines[^1]);
        return [.. lines.SkipLast(1).Select(line => JsonNode.Parse(line["data: ".Length..])!)];
    }
}
