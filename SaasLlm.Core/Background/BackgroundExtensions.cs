using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace SaasLlm.Core.Background;

/// <summary>Registers background work.</summary>
public static class BackgroundExtensions
{
    /// <summary>
    /// Adds a pass, and what runs it while the host runs: the schedules for an <see cref="IScheduledPass"/>, else a loop of its own. For JobRunner only.
    /// </summary>
    public static IServiceCollection AddBackgroundPass<TPass>(this IServiceCollection services)
        where TPass : class, IBackgroundPass
    {
        services.AddSchedules().AddSingleton<TPass>();
        if (typeof(TPass).IsAssignableTo(typeof(IScheduledPass)))
        {
            return services.AddSingleton(provider => new BackgroundTask(provider.GetRequiredService<TPass>()));
        }

        // One object, found by its key among the tasks of other passes.
        return services
            .AddKeyedSingleton(typeof(TPass), (provider, _) => new BackgroundTask(provider.GetRequiredService<TPass>()))
            .AddSingleton(provider => provider.GetRequiredKeyedService<BackgroundTask>(typeof(TPass)))
            .AddSingleton<IHostedService>(provider => new PassLoop(
                provider.GetRequiredKeyedService<BackgroundTask>(typeof(TPass)),
                provider.GetRequiredService<BackgroundTelemetry>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILoggerFactory>().CreateLogger<PassLoop>()));
    }

    /// <summary><see cref="TaskReader"/>, by which operators see tasks and ask for runs.</summary>
    public static IServiceCollection AddTasks(this IServiceCollection services) => services.AddSingleton<TaskReader>();

    private static IServiceCollection AddSchedules(this IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(Schedules)))
        {
            return services;
        }

        services.AddOptions<BackgroundOptions>().BindConfiguration(BackgroundOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddMetrics();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ScheduleLoop>());
        return services
            .AddSingleton<BackgroundTelemetry>()
            .AddSingleton(provider => new TaskStore(provider.GetRequiredService<NpgsqlDataSource>()))
            .AddSingleton<Schedules>();
    }
}
