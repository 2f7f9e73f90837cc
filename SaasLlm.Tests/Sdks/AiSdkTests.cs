namespace SaasLlm.Tests.Sdks;

/// <summary>Vercel's AI SDK with its provider for OpenAI-compatible servers, as it is, against the running product.</summary>
public sealed class AiSdkTests(AiSdk sdk) : IClassFixture<AiSdk>
{
    [Theory]
    [InlineData("plain", """{"text":"Simulated answer to: one two","finish":"stop","usage":[11,7,18],"group":true,"charged":"1"}""")]
    [InlineData("stream", """{"text":"Simulated answer to: one two three","finish":"stop","usage":[11,7,18]}""")]
    [InlineData("object", """{"title":"Simulated answer to: plan","count":1,"tags":["Simulated answer to: plan"]}""")]
    [InlineData("objectStream", """{"title":"Simulated answer to: plan"}""")]
    [InlineData("vision", """{"text":"Simulated answer to: What is it?"}""")]
    [InlineData("vectors", """{"same":true,"long":true,"differ":true,"used":6}""")]
    [InlineData("abortedStream", """{"ended":"abort"}""")]
    public Task An_answer_costs_a_credit(string scenario, string expected) => IsAsync(scenario, expected, "completed 1");

    [Theory]
    [InlineData("tools", """{"text":"Simulated answer to: It rains in sample.","steps":["tool-calls","stop"],"input":{"city":"sample"},"output":"It rains in sample."}""")]
    [InlineData("toolsStream", """{"text":"Simulated answer to: It rains in sample.","steps":["tool-calls","stop"],"input":{"city":"sample"}}""")]
    public Task A_loop_of_tool_calls_ends_with_an_answer(string scenario, string expected) => IsAsync(scenario, expected, "completed 1", "completed 1");

    [Theory]
    [InlineData("noCredits", """{"name":"AI_APICallError","status":402,"retryable":false,"says":true,"sent":1}""")]
    [InlineData("wrongKey", """{"name":"AI_APICallError","status":401,"retryable":false,"says":true,"sent":1}""")]
    [InlineData("unknownModel", """{"name":"AI_APICallError","status":404,"retryable":false,"says":true,"sent":1}""")]
    public Task A_refusal_is_told_once_and_costs_nothing(string scenario, string expected) => IsAsync(scenario, expected);

    [Theory]
    [InlineData("rateLimited", """{"text":"Simulated answer to: x","sent":2,"waited":true}""")]
    [InlineData("failingOnce", """{"text":"Simulated answer to: x","sent":2}""")]
    public Task A_repeat_after_a_failure_is_charged_once(string scenario, string expected) => IsAsync(scenario, expected, "failed 0", "completed 1");

    [Fact]
    public Task A_stream_that_breaks_off_does_not_look_whole()
        => IsAsync("cutStream", """{"errors":1,"began":true,"finish":"error"}""", "failed 0");

    private async Task IsAsync(string scenario, string expected, params string[] jobs)
    {
        var (result, ended) = await sdk.OfAsync(scenario);
        Assert.Equal(expected, result);
        Assert.Equal(jobs, ended);
    }
}
