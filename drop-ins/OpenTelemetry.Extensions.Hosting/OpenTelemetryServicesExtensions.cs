using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Extensions.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds OpenTelemetry to a host, which then starts and stops its providers.</summary>
public static class OpenTelemetryServicesExtensions
{
    public static OpenTelemetryBuilder AddOpenTelemetry(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (!services.Any(service => service.ImplementationType == typeof(TelemetryHostedService)))
        {
            // First: telemetry must listen before any other hosted service starts.
            services.Insert(0, ServiceDescriptor.Singleton<IHostedService, TelemetryHostedService>());
        }

        return new OpenTelemetryBuilder(services);
    }
}
