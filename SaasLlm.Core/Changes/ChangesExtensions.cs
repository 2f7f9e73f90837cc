using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SaasLlm.Core.Common;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Changes;

/// <summary>Registers the change notices.</summary>
public static class ChangesExtensions
{
    /// <summary>The feed runs with the host; every process that caches or changes teams and groups needs it.</summary>
    public static IServiceCollection AddChanges(this IServiceCollection services)
    {
        services.TryAddSingleton<RedisCalls>();
        services.AddSingleton<ChangeFeed>();
        services.AddHostedService(provider => provider.GetRequiredService<ChangeFeed>());
        services.AddSingleton(provider => new TenantChanges(
            provider.GetRequiredService<ModelGroupResolver>(), provider.GetRequiredService<ChangeFeed>()));
        return services;
    }
}
