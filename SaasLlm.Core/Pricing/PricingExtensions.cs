using Microsoft.Extensions.DependencyInjection;

namespace SaasLlm.Core.Pricing;

/// <summary>Registers prices.</summary>
public static class PricingExtensions
{
    /// <summary><see cref="PriceBook"/> and its options.</summary>
    public static IServiceCollection AddPricing(this IServiceCollection services)
    {
        services.AddOptions<PricingOptions>().BindConfiguration(PricingOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services.AddSingleton<PriceBook>();
    }
}
