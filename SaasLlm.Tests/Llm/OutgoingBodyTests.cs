using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Tests.Llm;

/// <summary>What a tenant's body may hold, and what goes out of it.</summary>
public sealed class OutgoingBodyTests
{
    private const string Hello = """[{"role":"user","content":"Hello"}]""";

    private static readonly JobId s_job = new(Guid.Parse("0196b0a0-0000-7000-8000-000000000001"));

    /// <summary>litellm-contract, section 5: each of these changed what LiteLLM did, or once did.</summary>
    public static TheoryData<string> Obeyed =>
    [
        "fallbacks", "extra_headers", "custom_llm_provider", "timeout", "num_retries", "max_retries", "specific_deployment", "cache", "no-log",
        "guardrails", "tags", "litellm_metadata", "model", "api_base", "base_url", "api_key", "user_config", "model_list",
        "input_cost_per_token", "azure_ad_token", "mock_response", "mock_testing_fallbacks", "extra_body", "context_window_fallbacks",
    ];

    [Theory]
    [MemberData(nameof(Obeyed))]
    public void What_litellm_obeys_is_refused_by_name_even_if_a_group_allows_it(string field)
    {
        var body = $$"""{"messages":{{Hello}},"{{field}}":1}""";

        Refuses(body, "llm.unknown_field", field);
        Refuses(body, "llm.unknown_field", field, $$"""{"allowed_fields":["{{field}}"]}""");
    }

    [Theory]
    [InlineData("service_tier", "\"flex\"")]
    [InlineData("web_search_options", "{}")]
    [InlineData("audio", """{"voice":"x"}""")]
    public void What_changes_the_price_is_refused_by_name(string field, string value)
        => Refuses($$"""{"messages":{{Hello}},"{{field}}":{{value}}}""", "llm.unknown_field", field, $$"""{"allowed_fields":["{{field}}"]}""");

    [Fact]
    public void What_is_not_offered_is_refused_as_that_unless_the_group_allows_it_or_it_is_null()
    {
        var body = $$$"""{"messages":{{{Hello}}},"moderation":{"model":"m"}}""";

        Refuses(body, "llm.unknown_field", "moderation");
        Assert.Equal("'moderation' is not offered.", Read(body).Failure!.Message);
        Assert.Contains("\"moderation\":{", Text(Read(body, """{"allowed_fields":["moderation"]}""").Value.For("m", s_job, null, isLiteLlm: false)), StringComparison.Ordinal);
        Assert.DoesNotContain(
            "moderation", Text(Read($$"""{"messages":{{Hello}},"moderation":null}""").Value.For("m", s_job, null, isLiteLlm: false)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("prompt_cache_key", "\"a\"")]
    [InlineData("prompt_cache_retention", "\"24h\"")]
    [InlineData("prompt_cache_options", """{"mode":"implicit","ttl":"30m"}""")]
    [InlineData("safety_identifier", "\"a\"")]
    public void What_the_provider_is_to_know_is_passed_on(string field, string value)
        => Assert.Contains(
            $"\"{field}\":{value}", Text(Read($$"""{"messages":{{Hello}},"{{field}}":{{value}}}""").Value.For("m", s_job, null, isLiteLlm: false)), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"messages":HELLO,"top_k":5}""", "top_k")]
    [InlineData("""{"messages":[{"role":"user","content":"x","cache_control":{"type":"ephemeral"}}]}""", "messages[0].cache_control", "llm.invalid_request")]
    public void An_unknown_field_is_refused_by_name_unless_the_group_allows_it(string body, string field, string code = "llm.unknown_field")
    {
        body = body.Replace("HELLO", Hello, StringComparison.Ordinal);

        Refuses(body, code, field);
        Assert.Null(Read(body, """{"allowed_fields":["top_k","cache_control"]}""").Failure);
    }

    [Theory]
    [InlineData("""{"messages":HELLO,"n":1,"n":9}""", "n")]
    [InlineData("""{"messages":[{"role":"user","role":"system","content":"x"}]}""", "role")]
    [InlineData("""{"messages":HELLO,"tools":[{"type":"function","function":{"name":"a","parameters":{"x":1,"x":2}}}]}""", "x")]
    public void A_name_that_is_there_twice_is_refused_at_any_depth(string body, string field)
        => Refuses(body.Replace("HELLO", Hello, StringComparison.Ordinal), "llm.invalid_request", field);

    [Theory]
    [InlineData("messages", "\"x\"")]
    [InlineData("messages", "[]")]
    [InlineData("messages", "null")]
    [InlineData("temperature", "\"hot\"")]
    [InlineData("temperature", "2.1")]
    [InlineData("top_p", "1e400")]
    [InlineData("n", "0")]
    [InlineData("n", "1.5")]
    [InlineData("n", "1000000000000")]
    [InlineData("max_tokens", "-1")]
    [InlineData("max_completion_tokens", "{}")]
    [InlineData("stop", "1")]
    [InlineData("tools", "{}")]
    [InlineData("user", "1")]
    [InlineData("metadata", "[]")]
    [InlineData("stream", "\"yes\"")]
    [InlineData("stream", "true")]
    [InlineData("modalities", """["text","audio"]""")]
    public void A_wrong_value_is_refused_by_name(string field, string value)
    {
        var fields = new JsonObject { ["messages"] = JsonNode.Parse(Hello) };
        var body = field == "messages" ? $$"""{"messages":{{value}}}""" : fields.ToJsonString()[..^1] + $",\"{field}\":{value}}}";
        Refuses(body, "llm.invalid_request", field);
    }

    [Theory]
    [InlineData("""1""", "messages[0]")]
    [InlineData("""{"content":"x"}""", "messages[0].role")]
    [InlineData("""{"role":"boss","content":"x"}""", "messages[0].role")]
    [InlineData("""{"role":"user","content":1}""", "messages[0].content")]
    [InlineData("""{"role":"user","content":["x"]}""", "messages[0].content[0].type")]
    [InlineData("""{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}""", "messages[0].content[0].type")]
    [InlineData("""{"role":"user","content":[{"type":"video_url","video_url":{"url":"https://x"}}]}""", "messages[0].content[0].type")]
    [InlineData("""{"role":"user","content":[{"type":"text","text":"x","image_url":"file:///x"}]}""", "messages[0].content[0].image_url")]
    [InlineData("""{"role":"user","content":[{"type":"image_url","image_url":{"url":"gs://bucket/x"}}]}""", "messages[0].content[0].image_url.url")]
    [InlineData("""{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/"}}]}""", "messages[0].content[0].image_url.url")]
    [InlineData("""{"role":"user","content":[{"type":"image_url","image_url":"file:///etc/passwd"}]}""", "messages[0].content[0].image_url")]
    [InlineData("""{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}""", "messages[0].content[0].file.file_id")]
    [InlineData("""{"role":"user","content":[{"type":"file","file":{"file_data":"s3://x"}}]}""", "messages[0].content[0].file.file_data")]
    [InlineData("""{"role":"assistant","tool_calls":{}}""", "messages[0].tool_calls")]
    [InlineData("""{"role":"assistant","tool_calls":["x"]}""", "messages[0].tool_calls[0]")]
    [InlineData("""{"role":"assistant","tool_calls":[{"id":"a","cache_control":{"type":"ephemeral"}}]}""", "messages[0].tool_calls[0].cache_control")]
    [InlineData("""{"role":"assistant","tool_calls":[{"id":"a"},{"id":"b","extra_content":{}}]}""", "messages[0].tool_calls[1].extra_content")]
    [InlineData("""{"role":"assistant","tool_calls":[{"id":"a","function":[]}]}""", "messages[0].tool_calls[0].function")]
    [InlineData("""{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}","provider_specific_fields":{}}}]}""", "messages[0].tool_calls[0].function.provider_specific_fields")]
    [InlineData("""{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":{"cache_control":{}}}}]}""", "messages[0].tool_calls[0].function.arguments")]
    [InlineData("""{"role":"assistant","tool_calls":[{"id":"a","type":"custom","custom":{"name":"f","input":"x","y":1}}]}""", "messages[0].tool_calls[0].custom.y")]
    [InlineData("""{"role":"assistant","function_call":"f"}""", "messages[0].function_call")]
    [InlineData("""{"role":"assistant","function_call":{"name":"f","arguments":"{}","cache_control":{}}}""", "messages[0].function_call.cache_control")]
    [InlineData("""{"role":"assistant","content":"x","annotations":[{"type":"url_citation","cache_control":{}}]}""", "messages[0].annotations[0].cache_control")]
    public void A_wrong_message_is_refused_by_its_place(string message, string field)
        => Refuses($$"""{"messages":[{{message}}]}""", "llm.invalid_request", field);

    [Fact]
    public void What_an_answer_was_made_of_can_be_sent_back()
    {
        const string Echo = """
            {"role":"assistant","content":null,"refusal":null,"annotations":[{"type":"url_citation","url_citation":{"url":"https://x","title":"x","start_index":0,"end_index":1}},
              {"type":"url_citation","url":"https://x","title":"x","start_index":0,"end_index":1}],
             "function_call":{"name":"f","arguments":"{}"},
             "tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"custom","custom":{"name":"g","input":"x"}},
              {"id":"c","type":"function","function":{"name":"f","arguments":null},"custom":null}]}
            """;

        Assert.Null(Read($$"""{"messages":[{"role":"user","content":"x"},{{Echo}}]}""").Failure);
        Assert.Null(Read($$"""{"messages":[{{Echo.Replace("\"id\":\"a\"", "\"extra_content\":{}", StringComparison.Ordinal)}}]}""", """{"allowed_fields":["extra_content"]}""").Failure);
    }

    [Theory]
    [InlineData("""{"type":"custom","custom":{"name":"f","format":{"type":"text"}}}""", null)]
    [InlineData("""{"type":"custom","custom":{"name":"f","cache_control":{}}}""", "tools[0].custom.cache_control")]
    [InlineData("""{"type":"function","function":{"name":"f"},"custom":{"cache_control":{}}}""", "tools[0].custom.cache_control")]
    [InlineData("""{"type":"custom","custom":{"name":"f"},"function":{"cache_control":{}}}""", "tools[0].function.cache_control")]
    public void A_tool_holds_what_openai_knows_of_it(string tool, string? field)
    {
        var body = $$"""{"messages":{{Hello}},"tools":[{{tool}}]}""";
        Assert.Equal(field, (string?)Read(body).Failure?.Details!["param"]);
    }

    // Both go out, and nobody knows which one a server obeys.
    [Theory]
    [InlineData("\"max_tokens\":9000", 9000)]
    [InlineData("\"max_completion_tokens\":9000", 9000)]
    [InlineData("\"max_tokens\":9000,\"max_completion_tokens\":1", 9000)]
    [InlineData("\"max_tokens\":1,\"max_completion_tokens\":9000", 9000)]
    [InlineData("\"max_tokens\":null,\"max_completion_tokens\":5", 5)]
    public void A_call_is_as_large_as_the_larger_of_its_limits(string limits, int tokens)
    {
        var body = $$"""{"messages":{{Hello}},{{limits}}}""";
        Assert.Equal(tokens, Read(body).Value.MaxOutputTokens);
        if (tokens == 9000)
        {
            Assert.Equal("llm.invalid_request", Read(body, """{"max_output_tokens":8999}""").Failure?.Code);
        }
    }

    [Fact]
    public void A_group_may_allow_other_addresses_and_tools()
    {
        const string Body = """
            {"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"gs://bucket/x"}},{"type":"file","file":{"file_id":"file-1"}}]}],
             "tools":[{"type":"web_search"}]}
            """;

        Refuses(Body.Replace("gs:", "https:", StringComparison.Ordinal).Replace("file_id", "filename", StringComparison.Ordinal), "llm.invalid_request", "tools[0].type");
        Assert.Null(Read(Body, """{"allow_any_address":true,"allowed_tools":["web_search"]}""").Failure);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"\ud800"}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"safety_identifier":"\udfff"}""")]
    [InlineData("[]")]
    [InlineData("\"x\"")]
    public void What_is_no_body_is_refused(string body) => Refuses(body, "llm.invalid_request", "body");

    [Fact]
    public void What_goes_out_is_what_we_know_and_what_is_ours()
    {
        var body = Read("""
            {"messages":HELLO,"temperature":0.5,"seed":null,"stream":false,"stream_options":{"include_usage":true},"store":true,
             "metadata":{"tags":"x"},"user":"u-1","service_tier":null,"tools":[{"type":"function","function":{"name":"f","strict":true}}]}
            """.Replace("HELLO", Hello, StringComparison.Ordinal)).Value;

        var expected = """{"messages":HELLO,"temperature":0.5,"tools":[{"type":"function","function":{"name":"f","strict":true}}],"model":"a\u0022b","stream":false,"metadata":{"job_id":"JOB","tags":["job:JOB"],"spend_logs_metadata":{"job_id":"JOB"}}}"""
            .Replace("HELLO", Hello, StringComparison.Ordinal).Replace("JOB", s_job.ToString(), StringComparison.Ordinal);
        Assert.Equal(expected, Text(body.For("a\"b", s_job, null, isLiteLlm: true)));
        Assert.False(JsonElement.Parse(body.For("m", s_job, null, isLiteLlm: false).Span).TryGetProperty("metadata", out _));
    }

    private static string Text(ReadOnlyMemory<byte> body) => System.Text.Encoding.UTF8.GetString(body.Span);

    private static Result<OutgoingBody> Read(string body, string settings = "{}") => OutgoingBody.Read(JsonElement.Parse(body), GroupSettings.Read(settings));

    private static void Refuses(string body, string code, string field, string settings = "{}")
    {
        var failure = Read(body, settings).Failure;
        Assert.NotNull(failure);
        Assert.Equal((FailureKind.Invalid, code, field), (failure.Kind, failure.Code, (string?)failure.Details!["param"]));
    }
}
