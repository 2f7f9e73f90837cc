using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace SaasLlm.Core.Idempotency;

/// <summary>Registers the feature.</summary>
public static class IdempotencyExtensions
{
    /// <summary><see cref="IdempotencyClaims"/>; needs the stores, and the encryption key that <c>AddGateway</c> binds.</summary>
    public static IServiceCollection AddIdempotency(this IServiceCollection services)
    {
        services.AddOptions<IdempotencyOptions>().BindConfiguration(IdempotencyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddMetrics();
        return services
            .AddSingleton<IdempotencyTelemetry>()
            .AddSingleton<IdempotencyCipher>()
            .AddSingleton(provider => new IdempotencyClaims(
                new(provider.GetRequiredService<NpgsqlDataSource>()),
                provider.GetRequiredService<IdempotencyCipher>(),
                provider.GetRequiredService<IOptions<IdempotencyOptions>>(),
                provider.GetRequiredService<IdempotencyTelemetry>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<IdempotencyClaims>>()));
    }
}
