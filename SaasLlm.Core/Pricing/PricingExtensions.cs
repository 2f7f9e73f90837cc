using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Changes;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Pricing;

/// <summary>Registers prices.</summary>
public static class PricingExtensions
{
    /// <summary><see cref="IPriceBook"/> and what states prices in it. Needs the change notices, model groups and the gateway.</summary>
    public static IServiceCollection AddPricing(this IServiceCollection services)
        => services.AddPriceBook()
            .AddSingleton<PriceReader>()
            .AddHostedService<ConfiguredPrices>();

    /// <summary><see cref="IPriceBook"/> alone, for a service that states no prices of its own. Needs what <see cref="AddPricing"/> needs.</summary>
    public static IServiceCollection AddPriceBook(this IServiceCollection services)
        => services.AddPrices()
            .AddSingleton<IPriceBook>(provider => new PriceBook(
                provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<LeasedRedisCache>(), provider.GetRequiredService<ChangeFeed>(),
                provider.GetRequiredService<GatewayPrices>(), provider.GetRequiredService<TimeProvider>()));

    /// <summary>For JobRunner: takes the gateway's prices regularly. Needs what <see cref="AddPricing"/> needs.</summary>
    public static IServiceCollection AddPriceImport(this IServiceCollection services) => services.AddPrices().AddBackgroundPass<ImportPricesPass>();

    /// <summary>The options alone.</summary>
    internal static IServiceCollection AddPricingOptions(this IServiceCollection services)
    {
        services.AddOptions<PricingOptions>()
            .Configure<IConfiguration>((options, configuration) => PricingOptions.Read(options, configuration.GetSection(PricingOptions.Section)))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<PricingOptions>, PricingOptionsValidator>());
        return services;
    }

    private static IServiceCollection AddPrices(this IServiceCollection services)
        => services.AddPricingOptions()
            .AddSingleton<PricingTelemetry>()
            .AddSingleton<GatewayPrices>()
            .AddSingleton(provider => new PriceWriter(
                provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<LeasedRedisCache>(), provider.GetRequiredService<ChangeFeed>()));
}
