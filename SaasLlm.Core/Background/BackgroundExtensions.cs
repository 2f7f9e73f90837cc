using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace SaasLlm.Core.Background;

/// <summary>Registers background work.</summary>
public static class BackgroundExtensions
{
    /// <summary>Adds a pass, and the loop that runs it while the host runs. For JobRunner only.</summary>
    public static IServiceCollection AddBackgroundPass<TPass>(this IServiceCollection services)
        where TPass : class, IBackgroundPass
        => services
            .AddSingleton<TPass>()
            .AddSingleton<IHostedService>(provider => new PassLoop(
                provider.GetRequiredService<TPass>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILoggerFactory>().CreateLogger<PassLoop>()));
}
