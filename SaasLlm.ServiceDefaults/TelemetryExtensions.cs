using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace SaasLlm.ServiceDefaults;

/// <summary>OpenTelemetry by source and meter name: the framework's, the drivers', and ours (<c>SaasLlm.*</c>).</summary>
internal static class TelemetryExtensions
{
    private const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private static readonly string[] s_sources =
        ["Microsoft.AspNetCore", "System.Net.Http", "Npgsql", "OpenTelemetry.Instrumentation.StackExchangeRedis", "SaasLlm.*"];

    private static readonly string[] s_meters =
        ["Microsoft.AspNetCore.*", "System.Net.Http", "System.Runtime", "Npgsql", "SaasLlm.*"];

    public static void AddTelemetry(this IHostApplicationBuilder builder)
    {
        // Without an instrumentation package, the framework itself must write the semantic tags; it leaves that off by default.
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);
        var exports = !string.IsNullOrWhiteSpace(builder.Configuration[EndpointVariable]);

        // A line for every step of every request says less than the trace, and costs more than the request.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("System.Net.Http.HttpClient", LogLevel.Warning);
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });
        var telemetry = builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics.AddMeter(s_meters))
            .WithTracing(tracing => ConfigureTracing(tracing, exports));
        if (exports)
        {
            telemetry.UseOtlpExporter();
        }
    }

    private static void ConfigureTracing(TracerProviderBuilder tracing, bool exports)
    {
        // Spans that nobody receives would only cost time.
        tracing.AddSource(s_sources)
            .SetSampler(exports ? new ParentBasedSampler(new QuietSampler()) : new AlwaysOffSampler())
            .AddProcessor(new RequestNames());
    }
}
