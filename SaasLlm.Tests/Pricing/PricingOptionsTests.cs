using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Tests.Pricing;

/// <summary>Prices in configuration.</summary>
public sealed class PricingOptionsTests
{
    [Fact]
    public void Both_forms_are_read()
    {
        var options = Read(
            ("Pricing:RefreshInterval", "00:00:30"),
            ("Pricing:Models:openai/gpt-4o:InputUsdPerMillion", "2.5"),
            ("Pricing:Models:openai/gpt-4o:OutputUsdPerMillion", "10"),
            ("Pricing:Models:0:Name", "ollama/llama3:8b"),
            ("Pricing:Models:0:InputUsdPerMillion", "0"),
            ("Pricing:Models:0:OutputUsdPerMillion", "0.0000001"),
            ("Pricing:Models:0:CachedInputUsdPerMillion", "0"));

        Assert.Equal(TimeSpan.FromSeconds(30), options.RefreshInterval);
        Assert.Equal(
            [("ollama/llama3:8b", new ModelPrice(0m, 0.0000001m, 0m)), ("openai/gpt-4o", new ModelPrice(2.5m, 10m))],
            options.Models.Select(model => (model.Name, model.ToPrice())).OrderBy(model => model.Name, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Pricing:Models:a:InputUsdPerMillion", "1")]
    [InlineData("Pricing:Models:a:Typo", "1")]
    public void Half_a_price_stops_the_start(string name, string value)
        => Assert.Contains("Pricing:Models:a needs", Assert.Throws<OptionsValidationException>(() => Read((name, value))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_negative_price_stops_the_start()
        => Assert.Throws<OptionsValidationException>(() => Read(("Pricing:Models:a:InputUsdPerMillion", "-1"), ("Pricing:Models:a:OutputUsdPerMillion", "1")));

    private static PricingOptions Read(params (string Name, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value))).Build();
        using var services = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddPricingOptions().BuildServiceProvider();
        return services.GetRequiredService<IOptions<PricingOptions>>().Value;
    }
}
