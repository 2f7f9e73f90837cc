using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Data;
using SaasLlm.Core.Llm.Bodies;
using SaasLlm.Core.Llm.Calls;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Llm.Keys;
using SaasLlm.Core.Llm.Limits;
using SaasLlm.Core.Llm.Responses;
using SaasLlm.Core.Llm.Streaming;

namespace SaasLlm.Core.Llm;

/// <summary>Registers the way to the gateway.</summary>
public static class LlmExtensions
{
    private static readonly TimeSpan s_connectMax = TimeSpan.FromSeconds(5);

    /// <summary><see cref="ILlmCaller"/>, for a service that makes calls. Needs the ledger and the teams.</summary>
    public static IServiceCollection AddLlmCalls(this IServiceCollection services)
    {
        services.AddOptions<LimitOptions>().BindConfiguration(LimitOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            // Before the running calls, so that it stops after them: what they leave is written still.
            .AddCallBodies()
            .AddSingleton<LlmTelemetry>()
            .AddSingleton<CircuitBreaker>()
            .AddSingleton<ResponseIds>()
            .AddSingleton<RunningCalls>()
            .AddHostedService(provider => provider.GetRequiredService<RunningCalls>())
            .AddSingleton<GroupPricer>()
            .AddSingleton<ModelChooser>()
            .AddSingleton<AttemptSender>()
            .AddSingleton<CallSaver>()
            .AddSingleton<CallRunner>()
            .AddSingleton<LimitTelemetry>()
            .AddSingleton<LimitWindows>()
            .AddSingleton<ICallLimiter, CallLimiter>()
            .AddSingleton<ILlmCaller, LlmCaller>();
    }

    private static IServiceCollection AddCallBodies(this IServiceCollection services)
    {
        services.AddOptions<CallBodyOptions>().BindConfiguration(CallBodyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton<CallBodyCipher>()
            .AddSingleton<CallBodyTelemetry>()
            .AddSingleton<CallBodyStore>()
            .AddSingleton<CallBodyQueue>()
            .AddHostedService(provider => provider.GetRequiredService<CallBodyQueue>())
            .AddSingleton<ICallRecorder, CallRecorder>()
            .AddSingleton(provider => new CallBodyReader(
                provider.GetRequiredService<IDbContextFactory<SaasLlmDbContext>>(), provider.GetRequiredService<CallBodyCipher>()));
    }

    /// <summary>The gateway's clients and the teams' keys there.</summary>
    public static IServiceCollection AddGateway(this IServiceCollection services)
    {
        services.AddOptions<GatewayOptions>().BindConfiguration(GatewayOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<NamedGatewaysOptions>()
            .Configure<IConfiguration>((options, configuration) => configuration.GetSection(NamedGatewaysOptions.Section).Bind(options.ByName))
            .ValidateOnStart();
        services.AddOptions<EncryptionOptions>().BindConfiguration(EncryptionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IValidateOptions<GatewayOptions>, GatewayOptionsValidator>();
        services.AddSingleton<IValidateOptions<NamedGatewaysOptions>, NamedGatewaysValidator>();
        services.AddMetrics();

        // Singletons hold these clients, so the handler renews its own connections. Neither retries: a completion costs money each time.
        services.AddSingleton<GatewayTargets>().AddSingleton<GatewayReplicas>().AddTransient<SpreadHandler>();
        services.AddGatewayClient<CompletionClient>(Timeout.InfiniteTimeSpan);
        services.AddGatewayClient<StreamClient>(Timeout.InfiniteTimeSpan);
        services.AddGatewayClient<GatewayAdmin>(TimeSpan.FromSeconds(10));
        services.AddSingleton<GatewayHealthCheck>();
        services.AddHealthChecks().AddCheck<GatewayHealthCheck>(GatewayHealthCheck.Name, HealthStatus.Degraded);
        return services
            .AddSingleton<KeyCipher>()
            .AddSingleton<GatewayKeyStore>()
            .AddSingleton<TeamGatewayKeys>()
            .AddSingleton<ITeamGatewayKeys>(provider => provider.GetRequiredService<TeamGatewayKeys>());
    }

    private static void AddGatewayClient<T>(this IServiceCollection services, TimeSpan timeout)
        where T : class
        => services.AddHttpClient<T>(http => http.Timeout = timeout)
            // They say what the attempt's row and span say, and cost two handlers a request even where nobody listens.
            .RemoveAllLoggers()
            .AddHttpMessageHandler<SpreadHandler>().ConfigurePrimaryHttpMessageHandler(NewHandler);

    private static SocketsHttpHandler NewHandler() => new()
    {
        AllowAutoRedirect = false,
        ConnectTimeout = s_connectMax,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        AutomaticDecompression = System.Net.DecompressionMethods.All,
    };
}
