using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace SaasLlm.ServiceDefaults;

/// <summary>What every service of the solution has: telemetry, health, and an HTTP client that does not retry.</summary>
public static class ServiceDefaultsExtensions
{
    // A pooled connection may outlive the address it was made for; a connect that hangs must not use up a call's deadline.
    private static readonly TimeSpan s_connectionLifetime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_connectTimeout = TimeSpan.FromSeconds(5);

    /// <param name="builder">The service's host.</param>
    /// <param name="serviceName">The name <c>/health</c> answers with; the application's name if left out.</param>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder, string? serviceName = null)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddTelemetry();
        builder.Services.AddHealthChecks();
        builder.Services.AddSingleton(new ServiceIdentity(serviceName ?? builder.Environment.ApplicationName));
        // No resilience handler, on purpose: it would retry POSTs, and a retried completion is bought twice.
        builder.Services.ConfigureHttpClientDefaults(http => http.UseSocketsHttpHandler((handler, _) =>
        {
            handler.PooledConnectionLifetime = s_connectionLifetime;
            handler.ConnectTimeout = s_connectTimeout;
        }));
        return builder;
    }
}
