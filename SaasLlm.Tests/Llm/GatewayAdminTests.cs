using System.Text.Json;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Tests.LiteLlmSimulator;

namespace SaasLlm.Tests.Llm;

/// <summary>LiteLLM's management routes, as the simulator answers them, and half-failures as a stub plays them.</summary>
public sealed class GatewayAdminTests
{
    private static readonly CancellationToken s_none = CancellationToken.None;

    [Fact]
    public async Task A_team_and_its_key_are_made_again_and_again_without_harm()
    {
        await using var simulator = await SimulatorHost.StartAsync();
        using var http = new HttpClient();
        var admin = Of(http, simulator.Client.BaseAddress!.ToString(), SimulatorHost.MasterKey);

        Assert.True(await admin.EnsureTeamAsync("team_1", s_none));
        Assert.True(await admin.EnsureTeamAsync("team_1", s_none));
        var lost = await admin.MintKeyAsync("team_1", "saasllm-team_1", "mark", s_none);
        var kept = await admin.MintKeyAsync("team_1", "saasllm-team_1", "mark", s_none);

        // The first key's answer was lost: it does not stay alive.
        Assert.StartsWith("sk-", kept, StringComparison.Ordinal);
        Assert.NotEqual(lost, kept);
        using var withLost = await simulator.ChatAsync("gpt-4o-mini", key: lost);
        using var withKept = await simulator.ChatAsync("gpt-4o-mini", key: kept);
        Assert.Equal((401, 200), ((int)withLost.StatusCode, (int)withKept.StatusCode));
        Assert.True(await admin.HasDatabaseAsync(s_none));
        Assert.True(await admin.IsAliveAsync(s_none));
    }

    [Fact]
    public async Task A_gateway_without_its_database_makes_nothing_and_deletes_nothing()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => http.Request.Path.Value switch
        {
            "/health/readiness" => StubGateway.Json(http, 503, """{"status":"healthy","db":"disconnected"}"""),
            "/team/info" => StubGateway.Json(http, 404, StubGateway.Error("Team not found")),
            _ => StubGateway.Json(http, 500, StubGateway.Error("{'error': 'Internal Server Error.'}", "internal_server_error")),
        };
        using var http = new HttpClient();
        var admin = Of(http, gateway.BaseUrl);

        Assert.False(await admin.EnsureTeamAsync("team_1", s_none));
        Assert.Null(await admin.MintKeyAsync("team_1", "a", "mark", s_none));
        Assert.False(await admin.HasDatabaseAsync(s_none));
        Assert.DoesNotContain(gateway.Requests, request => request.Path == "/key/delete");
    }

    [Fact]
    public async Task A_team_that_two_make_together_is_there()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, http.Request.Path == "/team/info" ? 200 : 500, "{}");
        using var http = new HttpClient();

        Assert.True(await Of(http, gateway.BaseUrl).EnsureTeamAsync("team_1", s_none));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"key":7}""")]
    [InlineData("""{"key":""}""")]
    public async Task An_answer_without_a_key_is_no_key(string body)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, body);
        using var http = new HttpClient();

        Assert.Null(await Of(http, gateway.BaseUrl).MintKeyAsync("team_1", "a", "mark", s_none));
    }

    [Fact]
    public async Task Prices_are_exact_and_half_a_price_is_none()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, """
            {"data":[
             {"model_name":"a","model_info":{"input_cost_per_token":1.5e-07,"output_cost_per_token":6e-07,"cache_read_input_token_cost":7.5e-08}},
             {"model_name":"zero","model_info":{"input_cost_per_token":0.0,"output_cost_per_token":0.0}},
             {"model_name":"unpriced","model_info":{"input_cost_per_token":null,"output_cost_per_token":null}},
             {"model_name":"half","model_info":{"input_cost_per_token":1e-06}},
             {"model_name":"embed","model_info":{"mode":"embedding","input_cost_per_token":2e-08,"output_cost_per_token":null}},
             {"model_name":"two","model_info":{"input_cost_per_token":1e-06,"output_cost_per_token":1e-06}},
             {"model_name":"two","model_info":{"input_cost_per_token":3e-06,"output_cost_per_token":1e-06}},
             {"model_name":"absurd","model_info":{"input_cost_per_token":7e28,"output_cost_per_token":1e-06}},
             {"model_name":"negative","model_info":{"input_cost_per_token":-1e-06,"output_cost_per_token":1e-06}},
             {"model_name":7,"model_info":{}}, {"model_name":"odd","model_info":[]}, 1]}
            """);
        using var http = new HttpClient();

        var (prices, byLength) = await Of(http, gateway.BaseUrl).ReadPricesAsync(s_none);

        Assert.Equal(["a", "embed", "two", "zero"], prices.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(new(0.15m, 0.6m, 0.075m), prices["a"]);
        Assert.Equal(new(0m, 0m), prices["zero"]);
        Assert.Equal(new(0.02m, 0m), prices["embed"]);
        Assert.Equal(new(3m, 1m), prices["two"]);
        Assert.Empty(byLength);
        Assert.Equal("[\"Bearer sk-master\"]", JsonSerializer.Serialize(gateway.Requests.Select(request => request.Authorization)));
    }

    // One deployment of a group is enough: its base price would bill long prompts below cost.
    [Fact]
    public async Task A_price_that_depends_on_the_length_is_no_price()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, """
            {"data":[
             {"model_name":"in","model_info":{"input_cost_per_token":1e-06,"output_cost_per_token":1e-06,"input_cost_per_token_above_128k_tokens":2e-06}},
             {"model_name":"out","model_info":{"input_cost_per_token":1e-06,"output_cost_per_token":1e-06,"output_cost_per_token_above_200k_tokens":2e-06}},
             {"model_name":"cached","model_info":{"input_cost_per_token":1e-06,"output_cost_per_token":1e-06,"cache_read_input_token_cost_above_272k_tokens":2e-06}},
             {"model_name":"table","model_info":{"input_cost_per_token":1e-06,"output_cost_per_token":1e-06,"tiered_pricing":[{"range":[0,32000]}]}},
             {"model_name":"mixed","model_info":{"input_cost_per_token":1e-06,"output_cost_per_token":1e-06,"input_cost_per_token_above_128k_tokens":2e-06}},
             {"model_name":"mixed","model_info":{"input_cost_per_token":9e-06,"output_cost_per_token":9e-06}},
             {"model_name":"same","model_info":{"input_cost_per_token":1e-06,"output_cost_per_token":1e-06,"input_cost_per_token_above_128k_tokens":1.0e-06}},
             {"model_name":"flat","model_info":{"input_cost_per_token":1e-06,"output_cost_per_token":1e-06,"input_cost_per_token_above_128k_tokens":null,
              "cache_creation_input_token_cost_above_1hr":6e-06,"input_cost_per_image_above_512_and_512_pixels":1,"tiered_pricing":[]}}]}
            """);
        using var http = new HttpClient();

        var (prices, byLength) = await Of(http, gateway.BaseUrl).ReadPricesAsync(s_none);

        Assert.Equal(["flat", "same"], prices.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["cached", "in", "mixed", "out", "table"], byLength);
    }

    private static GatewayAdmin Of(HttpClient http, string baseUrl, string masterKey = "sk-master")
        => new(http, Options.Create(new GatewayOptions { BaseUrl = baseUrl, MasterKey = masterKey }));
}
