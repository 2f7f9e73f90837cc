using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Background;

namespace SaasLlm.Core.Data.Retention;

/// <summary>Registers retention.</summary>
public static class RetentionExtensions
{
    /// <summary>For JobRunner; needs <c>AddCoreData</c> and <c>AddUsagePasses</c>.</summary>
    public static IServiceCollection AddRetention(this IServiceCollection services)
    {
        services.AddOptions<RetentionOptions>().BindConfiguration(RetentionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services.AddBackgroundPass<RetentionPass>();
    }
}
