using Microsoft.Extensions.DependencyInjection;

namespace SaasLlm.Core.Usage;

/// <summary>Registers usage.</summary>
public static class UsageExtensions
{
    /// <summary><see cref="UsageReader"/>.</summary>
    public static IServiceCollection AddUsage(this IServiceCollection services) => services.AddSingleton<UsageReader>();
}
