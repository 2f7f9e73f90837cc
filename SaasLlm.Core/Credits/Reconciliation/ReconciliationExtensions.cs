using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using SaasLlm.Core.Background;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>Registers reconciliation.</summary>
public static class ReconciliationExtensions
{
    /// <summary><see cref="IReconciliation"/>; needs <c>AddCoreData</c> and <c>AddLedger</c>.</summary>
    public static IServiceCollection AddReconciliation(this IServiceCollection services)
    {
        services.AddOptions<ReconciliationOptions>().BindConfiguration(ReconciliationOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddMetrics();
        return services
            .AddSingleton(provider => provider.GetRequiredService<IOptions<ReconciliationOptions>>().Value)
            .AddSingleton<ReconciliationTelemetry>()
            .AddSingleton<ReconciliationStore>()
            .AddSingleton<ReconciliationReader>()
            .AddSingleton<RedisSweeper>()
            .AddSingleton<RedisReconciler>()
            .AddSingleton<TeamReconciler>()
            .AddSingleton<IReconciliation>(provider => new ReconciliationService(
                provider.GetRequiredService<IDbContextFactory<SaasLlmDbContext>>(),
                provider.GetRequiredService<NpgsqlDataSource>(),
                provider.GetRequiredService<TeamReconciler>()));
    }

    /// <summary>The same, and its pass. For JobRunner.</summary>
    public static IServiceCollection AddReconciliationPass(this IServiceCollection services)
        => services.AddReconciliation().AddBackgroundPass<ReconciliationPass>();
}
