using FluentValidation;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Platform;

/// <summary>Rules for amounts; null passes.</summary>
internal static class MoneyRules
{
    private const decimal UsdMax = 10_000_000;

    /// <summary>From 0, or above it, to <paramref name="max"/>, with at most six decimal places.</summary>
    public static IRuleBuilderOptions<T, decimal?> IsCredits<T>(
        this IRuleBuilder<T, decimal?> rule, bool orZero = true, decimal max = Money.CreditsMax)
        => rule
            .Must(credits => credits is not { } value || ((orZero ? value >= 0 : value > 0) && value <= max))
            .WithMessage($"must be {(orZero ? "from 0 to" : "more than 0 and at most")} {max}")
            .Must(credits => credits is not { } value || Money.IsExactCredits(value))
            .WithMessage("must have at most six decimal places");

    /// <summary>More than 0, with at most ten decimal places.</summary>
    public static IRuleBuilderOptions<T, decimal?> IsUsdLimit<T>(this IRuleBuilder<T, decimal?> rule)
        => rule
            .Must(usd => usd is not { } value || value is > 0 and <= UsdMax).WithMessage($"must be more than 0 and at most {UsdMax}")
            .Must(usd => usd is not { } value || decimal.Round(value, Money.UsdScale) == value).WithMessage("must have at most ten decimal places");
}
