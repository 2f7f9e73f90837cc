using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Pricing;
using SaasLlm.Tests.LiteLlmSimulator;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.Pricing;

/// <summary>Where prices come from.</summary>
public sealed class PriceBookTests
{
    [Fact]
    public async Task The_gateways_list_is_the_price_list_and_configuration_wins()
    {
        await using var simulator = await SimulatorHost.StartAsync();
        using var http = new HttpClient();
        var book = Of(http, simulator.Client.BaseAddress!.ToString(), SimulatorHost.MasterKey, new ConfiguredPrice { Name = "gpt-3.5-turbo", InputUsdPerMillion = 7, OutputUsdPerMillion = 8 });

        Assert.Equal(new(0.15m, 0.6m, 0.075m), await book.FindAsync("gpt-4o-mini"));
        Assert.Equal(new(7m, 8m), await book.FindAsync("gpt-3.5-turbo"));
        Assert.NotNull(await book.FindAsync("gpt-4-turbo"));
        Assert.NotNull(await book.FindAsync("gpt-4-turbo-preview"));
        Assert.NotNull(await book.FindAsync("mock/429"));
        Assert.Null(await book.FindAsync("no-such-model"));
        Assert.True(book.IsKnown);
    }

    [Fact]
    public async Task The_last_known_list_outlives_the_gateway()
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, """{"data":[{"model_name":"a","model_info":{"input_cost_per_token":1e-06,"output_cost_per_token":2e-06}}]}""");
        using var http = new HttpClient();
        var book = Of(http, gateway.BaseUrl);
        Assert.Equal(new(1m, 2m), await book.FindAsync("a"));

        gateway.Answer = (http, _) => StubGateway.Json(http, 500, "gone");
        await Task.Delay(1100);
        Assert.Equal(new(1m, 2m), await book.FindAsync("a"));
        await Task.Delay(200);

        Assert.Equal(new(1m, 2m), await book.FindAsync("a"));
        Assert.Equal(2, gateway.Requests.Count);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("""{"data":7}""")]
    [InlineData("[]")]
    public async Task A_list_that_cannot_be_read_is_unknown_not_empty(string body)
    {
        await using var gateway = await StubGateway.StartAsync();
        gateway.Answer = (http, _) => StubGateway.Json(http, 200, body);
        using var http = new HttpClient();
        var book = Of(http, gateway.BaseUrl);

        Assert.Null(await book.FindAsync("a"));
        Assert.False(book.IsKnown);
    }

    private static PriceBook Of(HttpClient http, string baseUrl, string masterKey = "sk-master", params ConfiguredPrice[] prices)
    {
        var options = Options.Create(new GatewayOptions { BaseUrl = baseUrl, MasterKey = masterKey });
        var pricing = new PricingOptions { RefreshInterval = TimeSpan.FromSeconds(1) };
        pricing.Models.AddRange(prices);
        return new(new GatewayAdmin(http, options), Options.Create(pricing), options, TimeProvider.System, NullLogger<PriceBook>.Instance);
    }
}
