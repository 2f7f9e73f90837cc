using System.Globalization;
using System.Text.Json;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Tests.Pricing;

/// <summary>Usage as LiteLLM reports it of each provider, what we read of it, and the exact cost. Excerpts of recordings of 1.106.2, where none is named otherwise; the gateway's cost is its own header's.</summary>
public sealed class RecordedUsageTests
{
    private static readonly ModelPrice s_gpt4oMini = new(0.15m, 0.6m, 0.075m);

    public static TheoryData<string, string, TokenUsage, string, string?> OpenAi => new()
    {
        {
            "chat/usage-details: cached and reasoning",
            """{"completion_tokens":300,"prompt_tokens":2000,"total_tokens":2300,"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":128,"rejected_prediction_tokens":0},"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":1024}}""",
            new(2000, 1024, 300, 128), "0.0004032", "0.00040319999999999993"
        },
        {
            "cost/cached-tokens",
            """{"completion_tokens":500,"prompt_tokens":1000,"total_tokens":1500,"prompt_tokens_details":{"cached_tokens":800}}""",
            new(1000, 800, 500, 0), "0.00039", "0.00038999999999999994"
        },
        {
            "stream/usage-details: the chunk carries the cost",
            """{"completion_tokens":300,"prompt_tokens":2000,"total_tokens":2300,"completion_tokens_details":{"reasoning_tokens":128},"prompt_tokens_details":{"cached_tokens":1024},"cost":0.00040319999999999993}""",
            new(2000, 1024, 300, 128), "0.0004032", "0.00040319999999999993"
        },
        {
            "chat/plain",
            """{"completion_tokens":6,"prompt_tokens":12,"total_tokens":18}""",
            new(12, 0, 6, 0), "0.0000054", "5.4e-06"
        },
    };

    [Theory]
    [MemberData(nameof(OpenAi))]
    public void OpenAi_agrees_with_the_gateway(string name, string usage, TokenUsage read, string usd, string? header)
    {
        Assert.Equal((name, read), (name, Read(usage)));
        Assert.Equal(Usd(usd), s_gpt4oMini.Cost(read));
        Assert.Equal(Usd(usd), GatewayCost.Parse(header));
    }

    // 12 plain, 50 read from the cache, 100 written to it: LiteLLM had no price for this model, and said 0.0.
    [Fact]
    public void Anthropic_counts_cache_reads_and_writes_as_input()
    {
        var read = Read("""
            {"completion_tokens":6,"prompt_tokens":162,"total_tokens":168,"completion_tokens_details":{"reasoning_tokens":0,"text_tokens":6},
             "prompt_tokens_details":{"cache_write_tokens":100,"cached_tokens":50,"text_tokens":12,"cache_creation_tokens":100},
             "cache_creation_input_tokens":100,"cache_read_input_tokens":50}
            """);

        Assert.Equal(new TokenUsage(162, 50, 6, 0, 100), read);
        Assert.Equal(0.0001376m, new ModelPrice(0.8m, 4, 0.08m, 1).Cost(read));
        Assert.Equal(0.0001176m, new ModelPrice(0.8m, 4, 0.08m).Cost(read));
    }

    [Theory]
    [InlineData(""","cache_creation_input_tokens":100""", "")]
    [InlineData("", ""","cache_creation_tokens":100""")]
    [InlineData(""","cache_creation_input_tokens":100""", ""","cache_creation_tokens":100""")]
    public void A_response_tells_of_cache_writes_by_the_same_names(string beside, string within)
    {
        var usage = $$"""{"input_tokens":162,"output_tokens":6,"input_tokens_details":{"cached_tokens":50{{within}}}{{beside}}}""";

        Assert.Equal(new TokenUsage(162, 50, 6, 0, 100), SaasLlm.Core.Llm.Responses.ResponseContent.Usage(JsonElement.Parse($$"""{"usage":{{usage}}}""")));
    }

    // No recording: what LiteLLM's own tests of Gemini's usage assert (tests/test_litellm/llms/vertex_ai/gemini), 0022ff8. Of what was read from the
    // cache its text_tokens tell nothing: they are the rest.
    [Theory]
    [InlineData(
        """{"completion_tokens":7,"prompt_tokens":9660,"total_tokens":9667,"completion_tokens_details":{"text_tokens":7},"prompt_tokens_details":{"cached_tokens":9651,"text_tokens":9,"image_tokens":0}}""",
        9660, 9651, 7, 0, "0.000744025")]
    [InlineData(
        """{"completion_tokens":10,"prompt_tokens":10,"total_tokens":20,"completion_tokens_details":{"reasoning_tokens":5,"text_tokens":5},"prompt_tokens_details":{"text_tokens":10}}""",
        10, 0, 10, 5, "0.000033")]
    [InlineData(
        """{"completion_tokens":509,"prompt_tokens":2145,"total_tokens":2654,"completion_tokens_details":{"text_tokens":509}}""",
        2145, 0, 509, 0, "0.001916")]
    public void Gemini_counts_its_thoughts_as_output_and_its_cache_as_input(string usage, long input, long cached, long output, long reasoning, string usd)
    {
        var read = Read(usage);

        Assert.Equal(new TokenUsage(input, cached, output, reasoning), read);
        Assert.Equal(Usd(usd), new ModelPrice(0.3m, 2.5m, 0.075m, Reasoning: 3.5m).Cost(read));
    }

    [Fact]
    public void A_reasoning_price_of_its_own_is_for_reasoning_only()
        => Assert.Equal(0.0008744m, new ModelPrice(0.15m, 0.6m, 0.075m, Reasoning: 3.5m, Request: 0.0001m).Cost(new(2000, 1024, 300, 128)));

    [Fact]
    public void Zeros_are_a_provider_that_said_nothing()
        => Assert.Null(AnswerContent.Usage(JsonElement.Parse("""{"usage":{"completion_tokens":0,"prompt_tokens":0,"total_tokens":0}}""")));

    [Fact]
    public void Classes_never_add_up_to_more_than_the_whole()
    {
        var read = Read("""{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":8,"cache_creation_tokens":8},"completion_tokens_details":{"reasoning_tokens":9}}""");

        Assert.Equal(new TokenUsage(10, 8, 5, 5, 2), read);
    }

    private static TokenUsage Read(string usage) => AnswerContent.Usage(JsonElement.Parse($$"""{"usage":{{usage}}}"""))!.Value;

    private static decimal Usd(string usd) => decimal.Parse(usd, CultureInfo.InvariantCulture);
}
