using System.Buffers.Binary;
using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.OpenAi;

/// <summary>Embeddings, against a gateway that answers as the test says.</summary>
public sealed class EmbeddingTests
{
    private const string Floats = """{"object":"list","model":"secret-model-7","data":[{"object":"embedding","index":0,"embedding":[0.1,-0.2,0.3]}],"usage":{"prompt_tokens":8,"total_tokens":8,"completion_tokens":0}}""";

    // The same vector as OpenAI writes it: 0.1f, -0.2f, 0.3f.
    private const string AsBase64 = "zczMPc3MTL6amZk+";

    private const string Base64 = $$"""{"object":"list","data":[{"object":"embedding","index":0,"embedding":"{{AsBase64}}"}],"usage":{"prompt_tokens":8,"total_tokens":8} }""";

    [Theory]
    [InlineData("float", Floats)]
    [InlineData("float", Base64)]
    [InlineData("base64", Floats)]
    [InlineData("base64", Base64)]
    [InlineData(null, Floats)]
    [InlineData(null, Base64)]
    public async Task The_client_gets_the_form_it_asked_for_whatever_the_provider_answers(string? format, string upstream)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, upstream);
        using var bench = Bench(gateway);

        var answer = (await CallAsync(bench, $$"""{"input":"x"{{(format is null ? "" : $",\"encoding_format\":\"{format}\"")}}}""")).Value;

        var vector = answer.Response.GetProperty("data")[0].GetProperty("embedding");
        if (format == "base64")
        {
            Assert.Equal(AsBase64, vector.GetString());
        }
        else
        {
            Assert.Equal([0.1f, -0.2f, 0.3f], vector.EnumerateArray().Select(number => number.GetSingle()));
        }

        Assert.DoesNotContain("encoding_format", gateway.Requests.Single().Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_answer_and_the_bill_are_those_of_the_group()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, Floats);
        using var bench = Bench(gateway);

        var answer = (await CallAsync(bench, """{"input":"x","dimensions":3,"user":"u"}""")).Value;

        Assert.Equal("""{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-0.2,0.3]}],"model":"ResumeAgent","usage":{"prompt_tokens":8,"total_tokens":8}}""", answer.Response.GetRawText());
        var sent = gateway.Requests.Single();
        Assert.Equal("/v1/embeddings", sent.Path);
        Assert.Equal(["dimensions", "input", "metadata", "model"], JsonElement.Parse(sent.Body).EnumerateObject().Select(field => field.Name).Order());
        var end = bench.Ledger.Of<EndCall>().Single();
        Assert.Equal((new TokenUsage(8, 0, 0, 0), 0.00008m), (end.Usage, end.ProviderCostUsd));
    }

    [Fact]
    public async Task Vectors_come_in_the_order_of_their_texts()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, """{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":2}}""");
        using var bench = Bench(gateway);

        var data = (await CallAsync(bench, """{"input":["a","b"]}""")).Value.Response.GetProperty("data");

        Assert.Equal([(0, 1f), (1, 2f)], data.EnumerateArray().Select(item => (item.GetProperty("index").GetInt32(), item.GetProperty("embedding")[0].GetSingle())));
    }

    // Two models put one text at two places: an index that holds both finds nothing any more, and nobody is told.
    [Fact]
    public async Task Another_model_never_answers_in_the_first_ones_place()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => StubGateway.Json(http, body.Contains("secret-model-7", StringComparison.Ordinal) ? 500 : 200, Floats);
        using var bench = Bench(gateway);

        Assert.Equal("llm.all_models_failed", (await CallAsync(bench, """{"input":"x"}""")).Failure?.Code);

        Assert.Equal(["secret-model-7"], gateway.Requests.Select(request => request.Model));
    }

    [Fact]
    public async Task Models_that_are_one_model_in_several_places_stand_in_for_each_other()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, body) => StubGateway.Json(http, body.Contains("secret-model-7", StringComparison.Ordinal) ? 500 : 200, Floats);
        using var bench = Bench(gateway);
        bench.Groups.SettingsJson = """{"same_vectors":true}""";

        Assert.Null((await CallAsync(bench, """{"input":"x"}""")).Failure);

        Assert.Equal(CallerBench.TwoModels, gateway.Requests.Select(request => request.Model));
    }

    [Theory]
    [InlineData("""{"data":[],"usage":{"prompt_tokens":1}}""")]
    [InlineData("""{"data":[{"index":0,"embedding":[]}]}""")]
    [InlineData("""{"data":[{"index":0,"embedding":["a"]}]}""")]
    [InlineData("""{"data":[{"index":0,"embedding":"AAA="}]}""")]
    [InlineData("""{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1]}]}""")]
    [InlineData("""{"data":[{"index":0,"embedding":[1]}],"error":{"message":"x"}}""")]
    [InlineData("""{"choices":[{"message":{"content":"x"}}]}""")]
    [InlineData("[]")]
    public async Task What_is_no_vector_for_each_text_is_a_failed_model(string upstream)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, upstream);
        using var bench = Bench(gateway);

        Assert.Equal("llm.all_models_failed", (await CallAsync(bench, """{"input":"x"}""")).Failure?.Code);
    }

    [Theory]
    [InlineData("""{}""", "input")]
    [InlineData("""{"input":""}""", "input")]
    [InlineData("""{"input":[]}""", "input")]
    [InlineData("""{"input":["a",""]}""", "input")]
    [InlineData("""{"input":["a",1]}""", "input")]
    [InlineData("""{"input":[1,-1]}""", "input")]
    [InlineData("""{"input":[[1],[]]}""", "input")]
    [InlineData("""{"input":[{"text":"a"}]}""", "input")]
    [InlineData("""{"input":7}""", "input")]
    [InlineData("""{"input":"x","dimensions":0}""", "dimensions")]
    [InlineData("""{"input":"x","dimensions":1.5}""", "dimensions")]
    [InlineData("""{"input":"x","encoding_format":"int8"}""", "encoding_format")]
    [InlineData("""{"input":"x","encoding_format":7}""", "encoding_format")]
    [InlineData("""{"input":"x","stream":true}""", "stream")]
    [InlineData("""{"input":"x","fallbacks":["a"]}""", "fallbacks")]
    [InlineData("""{"input":"x","max_retries":9}""", "max_retries")]
    [InlineData("""{"input":"x","input_type":"query"}""", "input_type")]
    [InlineData("""{"input":"\ud800"}""", "body")]
    public async Task What_is_wrong_is_named_and_nothing_is_sent(string body, string field)
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = Bench(gateway);

        var failure = (await CallAsync(bench, body)).Failure!;

        Assert.Equal((FailureKind.Invalid, field), (failure.Kind, failure.Details!["param"]));
        Assert.Empty(gateway.Requests);
    }

    [Theory]
    [InlineData("""{"input":"four score"}""", 7)]
    [InlineData("""{"input":[1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9]}""", 18)]
    [InlineData("""{"input":[[1,2,3,4,5,6,7],[8,9,1,2,3,4,5,6,7,8,9]]}""", 18)]
    public async Task The_estimate_covers_the_text_or_the_tokens_and_no_answer(string body, long tokens)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, Floats);
        using var bench = Bench(gateway);

        await CallAsync(bench, body);

        var estimate = bench.Ledger.Of<StartCall>().Single().Attempt.Estimate;
        Assert.Equal((tokens, tokens * 0.00001m), (estimate.Tokens, estimate.ProviderCostUsd));
    }

    [Theory]
    [InlineData("embedding", LlmRoute.Chat, """{"messages":[{"role":"user","content":"x"}]}""", "/v1/embeddings")]
    [InlineData("chat", LlmRoute.Embeddings, """{"input":"x"}""", "is for chat")]
    public async Task A_group_of_the_other_kind_is_said_to_be_so(string kind, LlmRoute route, string body, string said)
    {
        await using var gateway = await StubGateway.StartAsync();
        using var bench = Bench(gateway);
        bench.Groups.Kind = kind;

        var failure = (await CallAsync(bench, body, route)).Failure!;

        Assert.Equal((FailureKind.Invalid, "llm.wrong_group_kind", "model"), (failure.Kind, failure.Code, failure.Details!["param"]));
        Assert.Contains(said, failure.Message, StringComparison.Ordinal);
        Assert.Empty(bench.Ledger.Of<StartCall>());
    }

    [Fact]
    public void The_bytes_are_little_endian_floats()
        => Assert.Equal(0.1f, BinaryPrimitives.ReadSingleLittleEndian(Convert.FromBase64String(AsBase64)));

    private static CallerBench Bench(StubGateway gateway)
    {
        var bench = new CallerBench(gateway.BaseUrl);
        bench.Groups.Kind = "embedding";
        return bench;
    }

    private static Task<Result<LlmAnswer>> CallAsync(CallerBench bench, string body, LlmRoute route = LlmRoute.Embeddings)
        => bench.Caller.CallAsync(new("team_1", JobId.New(TimeProvider.System), "ResumeAgent", null, JsonElement.Parse(body), Route: route), default);
}
