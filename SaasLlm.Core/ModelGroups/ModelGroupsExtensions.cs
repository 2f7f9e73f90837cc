using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.ModelGroups;

/// <summary>Registers the feature.</summary>
public static class ModelGroupsExtensions
{
    /// <summary>Needs <see cref="ChangesExtensions.AddChanges"/>.</summary>
    public static IServiceCollection AddModelGroups(this IServiceCollection services)
    {
        services.TryAddSingleton<RedisCalls>();
        services.AddSingleton(provider => new LeasedRedisCache(
            provider.GetRequiredService<RedisCalls>(),
            provider.GetRequiredService<TimeProvider>(),
            () => provider.GetRequiredService<ChangeFeed>().LiveFor >= LeasedRedisCache.Lifetime));
        services.AddSingleton<ModelGroupResolver>();
        services.AddSingleton<IModelGroupResolver>(provider => provider.GetRequiredService<ModelGroupResolver>());
        services.AddSingleton<ModelGroupService>();
        return services;
    }
}
