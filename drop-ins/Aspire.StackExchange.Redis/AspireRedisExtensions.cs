using Aspire.StackExchange.Redis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OpenTelemetry.Trace;
using StackExchange.Redis;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers a Redis connection as a singleton, with a health check and tracing.</summary>
public static class AspireRedisExtensions
{
    private const string Section = "Aspire:StackExchange:Redis";

    public static void AddRedisClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<StackExchangeRedisSettings>? configureSettings = null,
        Action<ConfigurationOptions>? configureOptions = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        var settings = new StackExchangeRedisSettings();
        var section = builder.Configuration.GetSection(Section);
        section.Bind(settings);
        section.GetSection(connectionName).Bind(settings);
        if (builder.Configuration.GetConnectionString(connectionName) is { } connectionString)
        {
            settings.ConnectionString = connectionString;
        }

        configureSettings?.Invoke(settings);
        builder.Services.AddSingleton<IConnectionMultiplexer>(
            services => Connect(services, Options(settings, connectionName, configureOptions)));
        if (!settings.DisableAutoActivation)
        {
            builder.Services.AddHostedService<RedisActivation>();
        }

        if (!settings.DisableTracing)
        {
            builder.Services.TryAddSingleton<RedisCommandTracer>();
            builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource(RedisCommandTracer.SourceName));
        }

        if (!settings.DisableHealthChecks)
        {
            builder.Services.AddHealthChecks().AddCheck<RedisHealthCheck>("StackExchange.Redis");
        }
    }

    private static ConnectionMultiplexer Connect(IServiceProvider services, ConfigurationOptions options)
    {
        var redis = ConnectionMultiplexer.Connect(options);
        services.GetService<RedisCommandTracer>()?.Attach(redis);
        return redis;
    }

    private static ConfigurationOptions Options(
        StackExchangeRedisSettings settings, string connectionName, Action<ConfigurationOptions>? configure)
    {
        var options = settings.ConnectionString is { } text ? ConfigurationOptions.Parse(text) : new ConfigurationOptions();
        // As the real package: a Redis that is not there yet must not fail the start.
        if (settings.ConnectionString?.Contains("abortConnect", StringComparison.OrdinalIgnoreCase) != true)
        {
            options.AbortOnConnectFail = false;
        }

        configure?.Invoke(options);
        return options.EndPoints.Count > 0
            ? options
            : throw new InvalidOperationException(
                $"No endpoints specified. Ensure a valid connection string was provided in 'ConnectionStrings:{connectionName}' or for the '{Section}:ConnectionString' configuration key.");
    }
}
