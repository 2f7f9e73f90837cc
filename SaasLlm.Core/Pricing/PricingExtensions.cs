using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Pricing;

/// <summary>Registers prices.</summary>
public static class PricingExtensions
{
    /// <summary><see cref="PriceBook"/> and its options.</summary>
    public static IServiceCollection AddPricing(this IServiceCollection services)
    {
        services.AddOptions<PricingOptions>()
            .Configure<IConfiguration>((options, configuration) => PricingOptions.Read(options, configuration.GetSection(PricingOptions.Section)))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<PricingOptions>, PricingOptionsValidator>();
        return services.AddSingleton<PriceBook>();
    }
}
