using SaasLlm.Core.Pricing;

namespace SaasLlm.Tests.Pricing;

/// <summary>What tokens cost.</summary>
public sealed class ModelPriceTests
{
    [Theory]
    [InlineData(12, 0, 6, 0, "0.0000054")] // recorded: x-litellm-response-cost 5.4e-06
    [InlineData(2000, 1024, 300, 128, "0.0004032")]
    [InlineData(1, 1, 0, 0, "0.000000075")]
    [InlineData(0, 0, 0, 0, "0")]
    public void Each_class_has_its_price(long input, long cached, long output, long reasoning, string usd)
        => Assert.Equal(decimal.Parse(usd, System.Globalization.CultureInfo.InvariantCulture), new ModelPrice(0.15m, 0.6m, 0.075m).Cost(new(input, cached, output, reasoning)));

    [Fact]
    public void Without_a_price_of_their_own_cached_tokens_cost_as_input()
        => Assert.Equal(0.001m, new ModelPrice(1m, 2m).Cost(new(1000, 900, 0, 0)));

    [Fact]
    public void What_is_below_ten_places_is_rounded_up()
        => Assert.Equal(0.0000000001m, new ModelPrice(0.00000001m, 0m).Cost(new(1, 0, 0, 0)));
}
