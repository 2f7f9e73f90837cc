using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Credits.Writing;
using SaasLlm.Core.Data;
using StackExchange.Redis;

namespace SaasLlm.Core.Credits;

/// <summary>Registers the ledger.</summary>
public static class LedgerExtensions
{
    /// <summary><see cref="ILedger"/>, on the stores of <see cref="CoreDataExtensions.AddCoreData"/>.</summary>
    public static IServiceCollection AddLedger(this IServiceCollection services)
    {
        services.AddOptions<LedgerOptions>().BindConfiguration(LedgerOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddMetrics();
        return services
            .AddSingleton(provider => provider.GetRequiredService<IOptions<LedgerOptions>>().Value)
            .AddSingleton<LedgerTelemetry>()
            .AddSingleton(provider => new LedgerConnections(
                provider.GetRequiredService<IConfiguration>().GetConnectionString(CoreDataExtensions.ConnectionName)
                    ?? throw new InvalidOperationException($"ConnectionStrings:{CoreDataExtensions.ConnectionName} is not configured."),
                provider.GetRequiredService<LedgerOptions>(),
                provider.GetRequiredService<ILoggerFactory>()))
            .AddSingleton(provider => new BalanceReader(provider.GetRequiredService<LedgerConnections>().Reader))
            .AddSingleton(provider => new RedisGuard(
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<LedgerOptions>().RedisTimeout,
                provider.GetRequiredService<LedgerOptions>().RedisRest,
                provider.GetRequiredService<LedgerTelemetry>()))
            .AddSingleton(provider => new RedisBalances(
                provider.GetRequiredService<IConnectionMultiplexer>(),
                provider.GetRequiredService<RedisGuard>(),
                provider.GetRequiredService<LedgerOptions>()))
            .AddSingleton<Reservations>()
            .AddSingleton<LedgerWriter>()
            .AddSingleton<ILedger, Ledger>();
    }
}
