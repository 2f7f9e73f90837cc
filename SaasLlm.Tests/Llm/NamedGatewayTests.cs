using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Llm;

/// <summary>Groups whose models are asked for at several gateways.</summary>
public sealed class NamedGatewayTests
{
    private const string First = "secret-model-7";
    private const string Second = "other-model-8";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_plain_server_takes_over_from_litellm_with_its_own_key_and_nothing_of_ours(bool isStream)
    {
        await using var litellm = await StubGateway.StartAsync();
        await using var vllm = await StubGateway.StartAsync();
        litellm.Answer = (http, _) => StubGateway.Json(http, 500, "{}");
        vllm.Answer = (http, _) => isStream
            ? StubGateway.Events(http, """{"choices":[{"index":0,"delta":{"content":"Hi"}}]}""", """{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":500}}""", "[DONE]")
            : StubGateway.Json(http, 200, StubGateway.Completion());
        using var bench = Bench(litellm.BaseUrl, (Second, "VLLM"), ("vllm", vllm.BaseUrl + "/openai/v1", "sk-operator"));

        var end = isStream ? await (await bench.StreamAsync()).Value.End : await bench.CallAsync();

        Assert.Null(end.Failure);
        Assert.True(JsonElement.Parse(Assert.Single(litellm.Requests).Body).TryGetProperty("metadata", out _));
        var request = Assert.Single(vllm.Requests);
        Assert.Equal(("/openai/v1/chat/completions", "Bearer sk-operator", Second), (request.Path, request.Authorization, request.Model));
        Assert.False(JsonElement.Parse(request.Body).TryGetProperty("metadata", out _));
        // At that model's price: 800 at 10, 200 cached at 1, 500 at 30; the stream names no cached ones.
        var saved = Assert.Single(bench.Ledger.Of<EndCall>());
        Assert.Equal((Second, isStream ? 0.025m : 0.0232m), (saved.ResolvedModel, saved.ProviderCostUsd));
    }

    [Fact]
    public async Task A_gateway_that_is_down_or_refuses_the_team_is_left_for_another_and_not_asked_again()
    {
        await using var litellm = await StubGateway.StartAsync();
        await using var vllm = await StubGateway.StartAsync();
        foreach (var (status, body) in new[]
        {
            (503, StubGateway.Error("no database", "no_db_connection")),
            (401, StubGateway.Error("Authentication Error, Invalid proxy server token passed.", "token_not_found_in_db")),
        })
        {
            litellm.Answer = (http, _) => StubGateway.Json(http, status, body);
            using var bench = new CallerBench(litellm.BaseUrl, ["one", "two", "three"], gateways: named => named.ByName["vllm"] = new() { BaseUrl = vllm.BaseUrl });
            bench.Groups.Gateways["three"] = "vllm";
            bench.Keys.CanReplace = false;
            litellm.Requests.Clear();

            Assert.Null((await bench.CallAsync()).Failure);
            Assert.Equal("one", Assert.Single(litellm.Requests).Model);
            Assert.Equal("", vllm.Requests.Last().Authorization);
        }
    }

    [Fact]
    public async Task A_named_gateway_that_is_down_is_its_models_failure()
    {
        await using var litellm = await StubGateway.StartAsync();
        using var bench = new CallerBench(
            litellm.BaseUrl, configure: options => options.BreakerFailures = 2, gateways: named => named.ByName["vllm"] = new() { BaseUrl = "http://127.0.0.1:1" },
            clock: new HandMovedTime());
        bench.Groups.Gateways[First] = "vllm";

        for (var call = 0; call < 3; call++)
        {
            Assert.Null((await bench.CallAsync()).Failure);
        }

        // The third call knows better than to try it.
        Assert.Equal(["gateway_down", "gateway_down"], bench.Ledger.Of<NextAttempt>().Select(step => step.Ended.Outcome));
        Assert.Equal(3, litellm.Requests.Count);
    }

    [Fact]
    public async Task When_no_gateway_is_there_the_call_is_503()
    {
        using var bench = Bench("http://127.0.0.1:1", (Second, "vllm"), ("vllm", "http://127.0.0.1:1", ""));

        var failure = (await bench.CallAsync()).Failure!;

        Assert.Equal("llm.gateway_unavailable", failure.Code);
        Assert.NotNull(failure.RetryAfter);
        Assert.Equal(2, Assert.Single(bench.Ledger.Of<EndCall>()).Attempts);
    }

    [Fact]
    public async Task A_model_whose_gateway_is_not_configured_is_skipped()
    {
        await using var litellm = await StubGateway.StartAsync();
        using var bench = Bench(litellm.BaseUrl, (First, "gone"));

        Assert.Null((await bench.CallAsync()).Failure);
        Assert.Equal(Second, Assert.Single(litellm.Requests).Model);

        bench.Groups.Gateways[Second] = "gone";
        var failure = (await bench.CallAsync()).Failure!;
        Assert.Equal((FailureKind.Unavailable, "llm.gateway_missing"), (failure.Kind, failure.Code));
    }

    // Another model would put its vectors elsewhere.
    [Fact]
    public async Task Vectors_of_a_missing_gateway_come_from_no_other()
    {
        await using var litellm = await StubGateway.StartAsync();
        using var bench = Bench(litellm.BaseUrl, (First, "gone"));
        bench.Groups.Kind = "embedding";

        Assert.Equal("llm.gateway_missing", (await bench.CallAsync("""{"input":"Hello"}""", route: LlmRoute.Embeddings)).Failure?.Code);
        Assert.Empty(litellm.Requests);
    }

    [Fact]
    public async Task A_team_without_a_key_yet_can_use_what_needs_none()
    {
        await using var litellm = await StubGateway.StartAsync();
        await using var vllm = await StubGateway.StartAsync();
        using var bench = Bench(litellm.BaseUrl, (Second, "vllm"), ("vllm", vllm.BaseUrl, ""));
        bench.Keys.Pending = new Failure(FailureKind.Unavailable, "llm.key_pending", "Pending.");

        Assert.Null((await bench.CallAsync()).Failure);
        Assert.Empty(litellm.Requests);

        bench.Groups.Gateways.Clear();
        Assert.Equal("llm.key_pending", (await bench.CallAsync()).Failure?.Code);
    }

    [Fact]
    public async Task One_model_at_two_gateways_is_two_models_with_two_breakers()
    {
        await using var litellm = await StubGateway.StartAsync();
        await using var vllm = await StubGateway.StartAsync();
        litellm.Answer = (http, _) => StubGateway.Json(http, 500, "{}");
        using var bench = new CallerBench(
            litellm.BaseUrl, [First, First], configure: options => options.BreakerFailures = 1,
            gateways: named => named.ByName["vllm"] = new() { BaseUrl = vllm.BaseUrl }, clock: new HandMovedTime());
        bench.Groups.GatewaysByPlace[1] = "vllm";

        for (var call = 0; call < 2; call++)
        {
            Assert.Null((await bench.CallAsync()).Failure);
        }

        Assert.Equal((1, 2), (litellm.Requests.Count, vllm.Requests.Count));
    }

    // What a response goes on from is at the gateway that gave it, whatever other has a model of that name.
    [Fact]
    public async Task A_response_goes_on_where_it_began()
    {
        const string Answer = """{"id":"resp_up","object":"response","status":"completed","model":"x","output":[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[]}]}],"usage":{"input_tokens":1,"output_tokens":1}}""";
        await using var litellm = await StubGateway.StartAsync();
        await using var vllm = await StubGateway.StartAsync();
        litellm.Answer = (http, _) => StubGateway.Json(http, 500, "{}");
        vllm.Answer = (http, _) => StubGateway.Json(http, 200, Answer);
        using var bench = new CallerBench(litellm.BaseUrl, [First, First], gateways: named => named.ByName["vllm"] = new() { BaseUrl = vllm.BaseUrl });
        bench.Groups.GatewaysByPlace[1] = "vllm";
        var first = (await bench.CallAsync("""{"input":"Hello"}""", route: LlmRoute.Responses)).Value.Response.GetProperty("id").GetString();
        litellm.Answer = (http, _) => StubGateway.Json(http, 200, Answer);
        litellm.Requests.Clear();

        Assert.Null((await bench.CallAsync($$"""{"input":"And?","previous_response_id":"{{first}}"}""", route: LlmRoute.Responses)).Failure);

        Assert.Empty(litellm.Requests);
        Assert.Equal("resp_up", JsonElement.Parse(vllm.Requests.Last().Body).GetProperty("previous_response_id").GetString());
    }

    [Fact]
    public async Task The_common_gateways_replicas_take_no_part_in_it()
    {
        await using var litellm = await StubGateway.StartAsync();
        await using var replica = await StubGateway.StartAsync();
        var options = Options.Create(new GatewayOptions { BaseUrl = litellm.BaseUrl });
        options.Value.Replicas.Add(replica.BaseUrl);
        var replicas = new GatewayReplicas(options, TimeProvider.System, NullLogger<GatewayReplicas>.Instance);
        using var http = new HttpClient(new SpreadHandler(replicas, options) { InnerHandler = new SocketsHttpHandler() });
        var client = new CompletionClient(http, options, TimeProvider.System);
        var other = new GatewayTarget("other", new(litellm.BaseUrl + "/other/"), "", IsLiteLlm: false);

        for (var call = 0; call < 4; call++)
        {
            await client.CompleteAsync(other, "v1/chat/completions", "{}"u8.ToArray(), TimeSpan.FromSeconds(60));
        }

        Assert.Equal(4, litellm.Requests.Count(request => request.Path == "/other/v1/chat/completions"));
    }

    [Theory]
    [InlineData("vllm", "http://localhost:8000/v1", "sk-1", true)]
    [InlineData("vllm", "https://host/x", "", true)]
    [InlineData("vllm", "", "", false)]
    [InlineData("vllm", "ftp://host", "", false)]
    [InlineData("a b", "http://host", "", false)]
    [InlineData("vllm", "http://host", "sk 1", false)]
    public void The_configuration_is_checked_at_the_start(string name, string baseUrl, string key, bool isGood)
    {
        var options = new NamedGatewaysOptions();
        options.ByName[name] = new() { BaseUrl = baseUrl, Key = key };

        Assert.Equal(isGood, new NamedGatewaysValidator().Validate(null, options).Succeeded);
    }

    private static CallerBench Bench(string baseUrl, (string Model, string Gateway) at, params (string Name, string BaseUrl, string Key)[] gateways)
    {
        var bench = new CallerBench(baseUrl, gateways: named =>
        {
            foreach (var (name, address, key) in gateways)
            {
                named.ByName[name] = new() { BaseUrl = address, Key = key };
            }
        });
        bench.Groups.Gateways[at.Model] = at.Gateway;
        return bench;
    }
}
