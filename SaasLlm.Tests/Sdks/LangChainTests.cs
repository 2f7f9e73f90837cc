namespace SaasLlm.Tests.Sdks;

/// <summary>LangChain.js, as it is, against the running product.</summary>
public sealed class LangChainTests(LangChain sdk) : IClassFixture<LangChain>
{
    [Theory]
    [InlineData("plain", """{"text":"Simulated answer to: one two","finish":"stop","usage":[11,7,18]}""")]
    [InlineData("stream", """{"text":"Simulated answer to: one two three","usage":[11,7,18]}""")]
    [InlineData("structured", """{"title":"Simulated answer to: plan","count":1}""")]
    [InlineData("structuredByFunction", """{"title":"sample","count":1}""")]
    [InlineData("vectors", """{"same":true,"long":true,"differ":true}""")]
    [InlineData("response", """{"text":"Simulated answer to: one two","usage":[11,7]}""")]
    [InlineData("vision", """{"text":"Simulated answer to: What is it?"}""")]
    public Task An_answer_costs_a_credit(string scenario, string expected) => IsAsync(scenario, expected, "completed 1");

    [Theory]
    [InlineData("tools")]
    [InlineData("toolsStream")]
    public Task A_loop_of_tool_calls_ends_with_an_answer(string scenario)
        => IsAsync(scenario, """{"call":{"name":"get_weather","args":{"city":"sample"}},"isResult":true,"text":"Simulated answer to: It rains in sample."}""", "completed 1", "completed 1");

    [Theory]
    [InlineData("noCredits", """{"status":402,"code":"credits.insufficient","sent":1}""")]
    [InlineData("wrongKey", """{"status":401,"code":"access.unauthorized","sent":1}""")]
    [InlineData("unknownModel", """{"status":404,"code":"model_group.not_found","sent":1}""")]
    public Task A_refusal_is_told_once_and_costs_nothing(string scenario, string expected) => IsAsync(scenario, expected);

    [Theory]
    [InlineData("rateLimited", """{"text":"Simulated answer to: x","sent":2,"waited":true}""")]
    [InlineData("failingOnce", """{"text":"Simulated answer to: x","sent":2}""")]
    public Task A_repeat_after_a_failure_is_charged_once(string scenario, string expected) => IsAsync(scenario, expected, "failed 0", "completed 1");

    [Fact]
    public Task A_stream_that_breaks_off_does_not_look_whole()
        => IsAsync("cutStream", """{"code":"llm.stream_failed","began":true}""", "failed 0");

    private async Task IsAsync(string scenario, string expected, params string[] jobs)
    {
        var (result, ended) = await sdk.OfAsync(scenario);
        Assert.Equal(expected, result);
        Assert.Equal(jobs, ended);
    }
}
