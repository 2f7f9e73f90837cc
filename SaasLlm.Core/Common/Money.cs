namespace SaasLlm.Core.Common;

/// <summary>Exact decimal arithmetic of the product: credits have six decimal places, US dollars ten.</summary>
public static class Money
{
    /// <summary>Decimal places of a credit amount, as <c>numeric(20,6)</c>.</summary>
    public const int CreditScale = 6;

    /// <summary>Decimal places of a dollar amount, as <c>numeric(18,10)</c>.</summary>
    public const int UsdScale = 10;

    /// <summary>The largest credit amount a request may name.</summary>
    public const decimal CreditsMax = 1_000_000_000m;

    /// <summary>True if <paramref name="credits"/> has no more than six decimal places.</summary>
    public static bool IsExactCredits(decimal credits) => decimal.Round(credits, CreditScale) == credits;

    /// <summary>A cost rounded up to ten places, so that nothing is recorded below what it cost.</summary>
    public static decimal RoundUsdUp(decimal usd)
    {
        var rounded = decimal.Round(usd, UsdScale, MidpointRounding.ToPositiveInfinity);
        return rounded;
    }

    /// <summary>What the client pays in dollars: provider cost × (1 + markup %), rounded up to ten places.</summary>
    public static decimal ClientCost(decimal providerCostUsd, decimal markupPercent)
        => RoundUsdUp(providerCostUsd * (1 + (markupPercent / 100m)));

    /// <summary>The same number without trailing zeros: what <c>numeric(20,6)</c> returns as 149.000000 is written 149.</summary>
    public static decimal Trim(decimal value) => value / 1.0000000000000000000000000000m;
}
