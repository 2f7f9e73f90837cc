using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SaasLlm.Core.Background;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Registers jobs that are given with their calls.</summary>
public static class BackgroundJobsExtensions
{
    /// <summary>Taking and reading them. Needs jobs, model groups, the ledger, change notices, and the encryption key that <c>AddGateway</c> binds.</summary>
    public static IServiceCollection AddBackgroundJobs(this IServiceCollection services)
        => services
            .AddSingleton(provider => new BackgroundDatabase(
                provider.GetRequiredService<IConfiguration>().GetConnectionString(CoreDataExtensions.ConnectionName)
                    ?? throw new InvalidOperationException($"ConnectionStrings:{CoreDataExtensions.ConnectionName} is not configured."),
                provider.GetRequiredService<ILoggerFactory>()))
            .AddSingleton<StepCipher>()
            .AddSingleton<StepBell>()
            .AddSingleton<PlanStore>()
            .AddSingleton<PlanReader>()
            .AddSingleton<PlanChecks>()
            .AddSingleton<BackgroundReader>()
            .AddSingleton(provider => new StepResults(provider.GetRequiredService<BackgroundDatabase>(), provider.GetRequiredService<StepCipher>()))
            .AddSingleton(provider => new BackgroundJobs(
                provider.GetRequiredService<ILedger>(), provider.GetRequiredService<JobTypes>(), provider.GetRequiredService<PlanChecks>(),
                provider.GetRequiredService<PlanStore>(), provider.GetRequiredService<PlanReader>()));

    /// <summary>For JobRunner: runs them. Needs <see cref="AddBackgroundJobs"/> and what <c>AddLlmCalls</c> registers.</summary>
    public static IServiceCollection AddBackgroundRunner(this IServiceCollection services)
    {
        services.AddOptions<BackgroundJobOptions>().BindConfiguration(BackgroundJobOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddMetrics()
            .AddSingleton<StepTelemetry>()
            .AddSingleton<StepStore>()
            .AddSingleton<StepWriter>()
            .AddSingleton<StepRunner>()
            .AddSingleton<DuePlans>()
            .AddSingleton<StepLoop>()
            .AddHostedService(provider => provider.GetRequiredService<StepLoop>())
            .AddBackgroundPass<DueStepsPass>()
            .AddBackgroundPass<LostStepsPass>()
            .AddBackgroundPass<PlansPass>()
            .AddBackgroundPass<ForgetPlansPass>();
    }
}
