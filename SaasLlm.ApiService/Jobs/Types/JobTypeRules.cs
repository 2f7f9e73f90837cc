using FluentValidation;

namespace SaasLlm.ApiService.Jobs.Types;

internal static class JobTypeRules
{
    private const int LifetimeMax = 30 * 24 * 3600;
    private const int CallsMax = 100_000;

    /// <summary>A second to thirty days; null passes.</summary>
    public static IRuleBuilderOptions<T, int?> IsLifetime<T>(this IRuleBuilder<T, int?> rule) => rule.InclusiveBetween(1, LifetimeMax);

    /// <summary>At least one; null passes.</summary>
    public static IRuleBuilderOptions<T, int?> IsCallLimit<T>(this IRuleBuilder<T, int?> rule) => rule.InclusiveBetween(1, CallsMax);
}
