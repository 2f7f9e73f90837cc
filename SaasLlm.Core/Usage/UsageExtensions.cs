using Microsoft.Extensions.DependencyInjection;

namespace SaasLlm.Core.Usage;

/// <summary>Registers usage.</summary>
public static class UsageExtensions
{
    /// <summary><see cref="UsageReader"/> and <see cref="UnmeasuredReader"/>.</summary>
    public static IServiceCollection AddUsage(this IServiceCollection services) => services.AddSingleton<UsageReader>().AddSingleton<UnmeasuredReader>();
}
