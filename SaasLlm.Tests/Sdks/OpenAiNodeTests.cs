namespace SaasLlm.Tests.Sdks;

/// <summary>OpenAI's own library for Node.js, as it is, against the running product.</summary>
public sealed class OpenAiNodeTests(OpenAiNode sdk) : IClassFixture<OpenAiNode>
{
    [Theory]
    [InlineData("plain", """{"object":"chat.completion","group":true,"choices":1,"content":"Simulated answer to: one two","finish":"stop","usage":[11,7,18],"job":36,"charged":"1"}""")]
    [InlineData("stream", """{"text":"Simulated answer to: one two three","roles":1,"finish":["stop"],"ids":1,"group":true,"withUsage":1,"usage":[11,7,18],"credits":1}""")]
    [InlineData("streamHelper", """{"content":"Simulated answer to: four five","finish":"stop"}""")]
    [InlineData("parse", """{"parsed":{"title":"Simulated answer to: plan","steps":[{"n":1,"text":"Simulated answer to: plan"}],"kind":"a"},"refusal":null}""")]
    [InlineData("vision", """{"content":"Simulated answer to: What is it?"}""")]
    [InlineData("response", """{"group":true,"status":"completed","text":"Simulated answer to: one two","usage":[11,7]}""")]
    [InlineData("responseStream", """{"first":"response.created","last":"response.completed","text":"Simulated answer to: one two","usage":[11,7]}""")]
    [InlineData("completion", """{"object":"text_completion","text":"Simulated answer to: one two"}""")]
    [InlineData("withoutV1", """{"content":"Simulated answer to: x"}""")]
    [InlineData("abortedStream", """{"aborted":true,"read":1}""")]
    [InlineData("fallback", """{"content":"Simulated answer to: x","sent":1,"group":true}""")]
    [InlineData("idempotent", """{"same":true,"sent":2}""")]
    public Task An_answer_costs_a_credit(string scenario, string expected) => IsAsync(scenario, expected, "completed 1");

    [Fact]
    public Task Vectors_are_the_same_in_either_encoding()
        => IsAsync("vectors", """{"group":true,"lengths":[8,8],"differ":true,"used":6,"same":true}""", "completed 1", "completed 1");

    [Fact]
    public Task The_models_are_the_teams_groups() => IsAsync("models", """{"all":true,"one":true,"owner":"saasllm"}""");

    [Theory]
    [InlineData("tools", """{"text":"Simulated answer to: It rains in sample.","roles":["user","assistant","tool","assistant"],"asked":{"name":"get_weather","arguments":"{\"city\":\"sample\"}"}}""")]
    [InlineData("toolsStream", """{"text":"Simulated answer to: It rains in sample.","roles":["user","assistant","tool","assistant"],"asked":{"name":"get_weather","arguments":"{\"city\":\"sample\"}"}}""")]
    public Task A_loop_of_tool_calls_ends_with_an_answer(string scenario, string expected) => IsAsync(scenario, expected, "completed 1", "completed 1");

    [Theory]
    [InlineData("noCredits", """{"class":"APIError","status":402,"code":"credits.insufficient","type":"insufficient_quota","sent":1,"available":0,"needed":1}""")]
    [InlineData("wrongKey", """{"class":"AuthenticationError","status":401,"code":"access.unauthorized","type":"authentication_error","sent":1}""")]
    [InlineData("unknownModel", """{"class":"NotFoundError","status":404,"code":"model_group.not_found","type":"invalid_request_error","sent":1}""")]
    [InlineData("unknownField", """{"class":"BadRequestError","status":400,"code":"llm.unknown_field","type":"invalid_request_error","param":"fallbacks"}""")]
    [InlineData("notServed", """{"class":"NotFoundError","status":404,"code":"route.not_found","type":"invalid_request_error"}""")]
    public Task A_refusal_is_told_once_and_costs_nothing(string scenario, string expected) => IsAsync(scenario, expected);

    [Theory]
    [InlineData("rateLimited", """{"content":"Simulated answer to: x","sent":2,"waited":true}""")]
    [InlineData("failingOnce", """{"content":"Simulated answer to: x","sent":2}""")]
    public Task A_repeat_after_a_failure_is_charged_once(string scenario, string expected) => IsAsync(scenario, expected, "failed 0", "completed 1");

    [Fact]
    public Task A_stream_that_breaks_off_does_not_look_whole()
        => IsAsync("cutStream", """{"class":"APIError","code":"llm.stream_failed","sent":1,"began":true}""", "failed 0");

    [Fact]
    public Task Calls_of_an_open_job_are_charged_once()
        => IsAsync("openJob", """{"same":true,"chargedYet":null,"calls":2,"charged":1}""", "completed 1");

    private async Task IsAsync(string scenario, string expected, params string[] jobs)
    {
        var (result, ended) = await sdk.OfAsync(scenario);
        Assert.Equal(expected, result);
        Assert.Equal(jobs, ended);
    }
}
