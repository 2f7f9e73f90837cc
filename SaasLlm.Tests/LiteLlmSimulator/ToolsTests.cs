using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>What the simulator plays so that an application's loop of tool calls, or its structured output, can be tried.</summary>
public sealed class ToolsTests
{
    private const string Tools = """
        [{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":3}}}}},
         {"type":"function","function":{"name":"get_time","parameters":{"type":"object","properties":{}}}}]
        """;

    private const string Schema = """
        {"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"s":{"type":["string","null"]},"n":{"type":"number"},"b":{"type":"boolean"},
         "e":{"enum":["one","two"]},"c":{"const":7},"l":{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"null"}]}}}}}}
        """;

    [Theory]
    [InlineData("What does get_weather say?", "", """get_weather({"city":"sample","days":3})""")]
    [InlineData("Ask get_weather and get_time.", "", """get_weather({"city":"sample","days":3}) get_time({})""")]
    [InlineData("Ask get_weather and get_time.", ""","parallel_tool_calls":false""", """get_weather({"city":"sample","days":3})""")]
    [InlineData("Ask get_time.", ""","tool_choice":"required" """, "get_time({})")]
    [InlineData("Ask get_time.", ""","tool_choice":"none" """, "")]
    [InlineData("Say hello.", "", "")]
    public async Task A_function_that_the_user_names_is_called(string asked, string more, string expected)
    {
        await using var host = await SimulatorHost.StartAsync();
        var messages = $$"""[{"role":"user","content":"{{asked}}"}]""";

        var plain = await AnswerAsync(host, messages, $",\"tools\":{Tools}{more}");

        Assert.Equal(expected, string.Join(' ', Calls(plain["choices"]![0]!["message"]!["tool_calls"])));
        Assert.Equal(expected == "" ? $"Simulated answer to: {asked}" : null, (string?)plain["choices"]![0]!["message"]!["content"]);
    }

    [Fact]
    public async Task A_streams_calls_come_in_pieces_with_their_name_once()
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.PostAsync("/v1/chat/completions",
            $$"""{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"get_weather, get_time"}],"tools":{{Tools}}}""");

        var deltas = (await answer.Content.ReadAsStringAsync()).Split("\n\n")
            .Where(part => part.Contains("tool_calls\":[", StringComparison.Ordinal))
            .Select(part => JsonNode.Parse(part["data: ".Length..])!["choices"]![0]!["delta"]!["tool_calls"]![0]!).ToList();
        Assert.Equal([0, 0, 0, 1, 1, 1], deltas.Select(delta => (int)delta["index"]!));
        Assert.Equal(["get_weather", null, null, "get_time", null, null], deltas.Select(delta => (string?)delta["function"]!["name"]));
        Assert.Equal("""{"city":"sample","days":3}""", string.Concat(deltas.Take(3).Select(delta => (string?)delta["function"]!["arguments"])));
        Assert.Equal(2, deltas.Select(delta => (string?)delta["id"]).Where(id => id is not null).Distinct().Count());
    }

    [Fact]
    public async Task A_tools_result_is_answered_with_text()
    {
        await using var host = await SimulatorHost.StartAsync();
        const string Messages = """
            [{"role":"user","content":"get_weather"},
             {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},
             {"role":"tool","tool_call_id":"c","content":"sunny get_weather"}]
            """;

        var answer = await AnswerAsync(host, Messages, $",\"tools\":{Tools}");

        Assert.Equal("Simulated answer to: sunny get_weather", (string?)answer["choices"]![0]!["message"]!["content"]);
    }

    [Theory]
    [InlineData("""{"type":"text"}""", "Simulated answer to: x")]
    [InlineData("""{"type":"json_object"}""", """{"answer":"Simulated answer to: x"}""")]
    [InlineData("""{"type":"json_schema","json_schema":{"name":"n","schema":""" + Schema + "}}",
        """{"s":"Simulated answer to: x","n":1,"b":true,"e":"one","c":7,"l":["Simulated answer to: x"]}""")]
    public async Task The_answer_has_the_form_that_is_asked_for(string format, string expected)
    {
        await using var host = await SimulatorHost.StartAsync();

        var answer = await AnswerAsync(host, """[{"role":"user","content":"x"}]""", $",\"response_format\":{format}");

        Assert.Equal(expected, (string?)answer["choices"]![0]!["message"]!["content"]);
    }

    private static async Task<JsonNode> AnswerAsync(SimulatorHost host, string messages, string more)
    {
        using var answer = await host.PostAsync("/v1/chat/completions", $$"""{"model":"gpt-4o-mini","messages":{{messages}}{{more}}}""");
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }

    private static IEnumerable<string> Calls(JsonNode? calls)
        => calls?.AsArray().Select(call => $"{call!["function"]!["name"]}({call["function"]!["arguments"]})") ?? [];
}
