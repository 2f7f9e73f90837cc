using FluentValidation;
using SaasLlm.Core.Pricing;

namespace SaasLlm.ApiService.Pricing;

/// <summary>Rules for prices; null passes.</summary>
internal static class PriceRules
{
    private const decimal RequestUsdMax = 10_000;
    private const int RequestScale = 10;

    public static IRuleBuilderOptions<T, string?> IsPriceSource<T>(this IRuleBuilder<T, string?> rule)
        => rule.Must(source => source is null || PriceSource.ByPrecedence.Contains(source))
            .WithMessage($"must be one of {string.Join(", ", PriceSource.ByPrecedence)}");

    /// <summary>USD per million tokens: from 0 to a dollar a token, with at most twelve decimal places.</summary>
    public static IRuleBuilderOptions<T, decimal?> IsPrice<T>(this IRuleBuilder<T, decimal?> rule)
        => rule
            .Must(price => price is null or (>= 0 and <= ModelPrice.Max)).WithMessage($"must be from 0 to {ModelPrice.Max}")
            .Must(price => price is not { } value || value is < 0 or > ModelPrice.Max || decimal.Round(value, ModelPrice.Scale) == value)
            .WithMessage($"must have at most {ModelPrice.Scale} decimal places");

    /// <summary>USD a request.</summary>
    public static IRuleBuilderOptions<T, decimal?> IsRequestPrice<T>(this IRuleBuilder<T, decimal?> rule)
        => rule
            .Must(price => price is null or (>= 0 and <= RequestUsdMax)).WithMessage($"must be from 0 to {RequestUsdMax}")
            .Must(price => price is not { } value || value is < 0 or > RequestUsdMax || decimal.Round(value, RequestScale) == value)
            .WithMessage($"must have at most {RequestScale} decimal places");

    /// <summary>The name in a path: a server decodes everything there but slashes, which clients may write either way.</summary>
    public static string ToModelName(this string inPath) => inPath.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    /// <summary>As in a model group: 1 to 200 characters, no spaces.</summary>
    public static IRuleBuilderOptions<T, string> IsModelName<T>(this IRuleBuilder<T, string> rule)
        => rule.Must(ModelPrice.IsModelName).WithMessage("must be 1 to 200 characters without spaces");
}
