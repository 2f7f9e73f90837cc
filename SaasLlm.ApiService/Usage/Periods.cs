using FluentValidation;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

internal static class Periods
{
    public static void IsPeriod<T>(this IRuleBuilder<T, string?> rule)
        => rule.Must(period => period is null || UsagePeriod.TryParse(period, out _)).WithMessage("must be a month such as 2026-01");

    /// <summary>The month of a valid request; this month where it names none.</summary>
    public static UsagePeriod ToPeriod(this string? period, TimeProvider time)
        => period is not null && UsagePeriod.TryParse(period, out var parsed) ? parsed : UsagePeriod.Of(time.GetUtcNow());
}
