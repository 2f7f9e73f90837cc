using Aspire.Npgsql.EntityFrameworkCore.PostgreSQL;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers a DbContext on Postgres, with retries, a health check, tracing and metrics.</summary>
public static class AspireEFPostgreSqlExtensions
{
    private const string Section = "Aspire:Npgsql:EntityFrameworkCore:PostgreSQL";

    public static void AddNpgsqlDbContext<TContext>(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<NpgsqlEntityFrameworkCorePostgreSQLSettings>? configureSettings = null,
        Action<DbContextOptionsBuilder>? configureDbContextOptions = null)
        where TContext : DbContext
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        if (builder.Environment.IsDevelopment() && IsRegistered<TContext>(builder))
        {
            throw new InvalidOperationException(
                $"DbContext<{typeof(TContext).Name}> is already registered. Please ensure 'services.AddDbContext<{typeof(TContext).Name}>()' is not used when calling '{nameof(AddNpgsqlDbContext)}()' or use the corresponding 'Enrich' method.");
        }

        var settings = ReadSettings<TContext>(builder, connectionName);
        if (builder.Configuration.GetConnectionString(connectionName) is { } connectionString)
        {
            settings.ConnectionString = connectionString;
        }

        configureSettings?.Invoke(settings);
        builder.Services.AddDbContextPool<TContext>(options =>
        {
            // Not before a context is asked for: then there is a log to say it in.
            RequireConnectionString<TContext>(settings, connectionName);
            options.UseNpgsql(settings.ConnectionString, npgsql => Configure(npgsql, settings));
            configureDbContextOptions?.Invoke(options);
        });
        AddInstrumentation<TContext>(builder, settings);
    }

    public static void EnrichNpgsqlDbContext<TContext>(
        this IHostApplicationBuilder builder, Action<NpgsqlEntityFrameworkCorePostgreSQLSettings>? configureSettings = null)
        where TContext : DbContext
    {
        ArgumentNullException.ThrowIfNull(builder);
        var settings = ReadSettings<TContext>(builder, connectionName: null);
        configureSettings?.Invoke(settings);
        if (!settings.DisableRetry || settings.CommandTimeout is not null)
        {
            if (!IsRegistered<TContext>(builder))
            {
                throw new InvalidOperationException(
                    $"DbContext<{typeof(TContext).Name}> was not registered. Ensure you have registered the DbContext in DI before calling {nameof(EnrichNpgsqlDbContext)}.");
            }

            builder.Services.ConfigureDbContext<TContext>(options => options.UseNpgsql(npgsql => Configure(npgsql, settings)));
        }

        AddInstrumentation<TContext>(builder, settings);
    }

    private static bool IsRegistered<TContext>(IHostApplicationBuilder builder)
        where TContext : DbContext
        => builder.Services.Any(service => service.ServiceType == typeof(DbContextOptions<TContext>));

    private static void Configure(NpgsqlDbContextOptionsBuilder npgsql, NpgsqlEntityFrameworkCorePostgreSQLSettings settings)
    {
        if (!settings.DisableRetry)
        {
            npgsql.EnableRetryOnFailure();
        }

        if (settings.CommandTimeout is { } seconds)
        {
            npgsql.CommandTimeout(seconds);
        }
    }

    private static NpgsqlEntityFrameworkCorePostgreSQLSettings ReadSettings<TContext>(
        IHostApplicationBuilder builder, string? connectionName)
    {
        var settings = new NpgsqlEntityFrameworkCorePostgreSQLSettings();
        var section = builder.Configuration.GetSection(Section);
        section.Bind(settings);
        if (connectionName is not null)
        {
            section.GetSection(connectionName).Bind(settings);
        }

        section.GetSection(typeof(TContext).Name).Bind(settings);
        return settings;
    }

    private static void RequireConnectionString<TContext>(
        NpgsqlEntityFrameworkCorePostgreSQLSettings settings, string connectionName)
    {
        if (string.IsNullOrWhiteSpace(settings.ConnectionString))
        {
            throw new InvalidOperationException(
                $"ConnectionString is missing. It should be provided in 'ConnectionStrings:{connectionName}' or under the 'ConnectionString' key in '{Section}' or '{Section}:{typeof(TContext).Name}' configuration section.");
        }
    }

    private static void AddInstrumentation<TContext>(
        IHostApplicationBuilder builder, NpgsqlEntityFrameworkCorePostgreSQLSettings settings)
        where TContext : DbContext
    {
        if (!settings.DisableHealthChecks)
        {
            builder.Services.AddHealthChecks().AddCheck<DbContextHealthCheck<TContext>>(typeof(TContext).Name);
        }

        if (!settings.DisableTracing)
        {
            builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource("Npgsql"));
        }

        if (!settings.DisableMetrics)
        {
            builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter("Npgsql"));
        }
    }
}
