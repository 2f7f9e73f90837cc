using SaasLlm.Core.Common;

namespace SaasLlm.Tests.Common;

public sealed class MoneyTests
{
    [Theory]
    [InlineData("0.00000000001", "0.0000000001")]
    [InlineData("0.0000000001", "0.0000000001")]
    [InlineData("1.00000000001", "1.0000000001")]
    [InlineData("0", "0")]
    public void A_cost_is_rounded_up_to_ten_places(string exact, string rounded)
        => Assert.Equal(Decimal(rounded), Money.RoundUsdUp(Decimal(exact)));

    [Theory]
    [InlineData("0.25", "20", "0.3")]
    [InlineData("0.0000000001", "1", "0.0000000002")]
    [InlineData("3", "0", "3")]
    public void The_client_pays_the_markup_rounded_up(string providerCost, string markupPercent, string clientCost)
        => Assert.Equal(Decimal(clientCost), Money.ClientCost(Decimal(providerCost), Decimal(markupPercent)));

    [Theory]
    [InlineData("0.000001", true)]
    [InlineData("0.0000001", false)]
    [InlineData("149.000000000", true)]
    public void Credits_have_six_places(string credits, bool exact)
        => Assert.Equal(exact, Money.IsExactCredits(Decimal(credits)));

    private static decimal Decimal(string text) => decimal.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
