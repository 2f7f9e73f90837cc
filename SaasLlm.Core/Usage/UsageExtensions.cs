using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Background;

namespace SaasLlm.Core.Usage;

/// <summary>Registers usage.</summary>
public static class UsageExtensions
{
    /// <summary><see cref="UsageReader"/> and <see cref="UnmeasuredReader"/>.</summary>
    public static IServiceCollection AddUsage(this IServiceCollection services) => services.AddSingleton<UsageReader>().AddSingleton<UnmeasuredReader>();

    /// <summary>What rolls usage up. For JobRunner; needs <c>AddCoreData</c>.</summary>
    public static IServiceCollection AddUsagePasses(this IServiceCollection services)
    {
        services.AddOptions<UsageOptions>().BindConfiguration(UsageOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddMetrics();
        return services
            .AddSingleton<UsageTelemetry>()
            .AddSingleton<UsageRoller>()
            .AddBackgroundPass<RollUpUsagePass>()
            .AddBackgroundPass<RecheckUsagePass>();
    }
}
