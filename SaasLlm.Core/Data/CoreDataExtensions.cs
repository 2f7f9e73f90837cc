using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Core.Data;

/// <summary>Registers the stores.</summary>
public static class CoreDataExtensions
{
    /// <summary>The name of our database's connection string.</summary>
    public const string ConnectionName = "saasllm";

    /// <summary>The name of Redis' connection string.</summary>
    public const string RedisName = "redis";

    /// <summary>
    /// <see cref="IDbContextFactory{TContext}"/> of <see cref="SaasLlmDbContext"/> and the scoped context itself, one
    /// <see cref="NpgsqlDataSource"/> for raw SQL, Redis, and the wait for the schema at start.
    /// </summary>
    public static IHostApplicationBuilder AddCoreData(this IHostApplicationBuilder builder)
    {
        var failpoints = FailpointPlan.Read(builder.Configuration, builder.Environment);
        if (failpoints is not null)
        {
            Failpoint.SwitchOn(failpoints);
        }

        builder.Services.TryAddSingleton(failpoints?.Clock ?? TimeProvider.System);
        builder.Services.AddSingleton(services => new NpgsqlDataSourceBuilder(ConnectionString(services))
            .UseLoggerFactory(services.GetRequiredService<ILoggerFactory>())
            .Build());
        builder.Services.AddPooledDbContextFactory<SaasLlmDbContext>((services, options) => options
            .UseNpgsql(ConnectionString(services))
            .ConfigureWarnings(QuietStatements));
        // No retries: a repeated insert whose first COMMIT reached the server would be answered "exists already".
        builder.EnrichNpgsqlDbContext<SaasLlmDbContext>(settings => settings.DisableRetry = true);
        builder.AddRedisClient(RedisName, configureOptions: options => options.AbortOnConnectFail = false);
        // Every statement is in the traces; a log line each would cost more than the statement.
        builder.Logging.AddFilter("Npgsql", LogLevel.Warning);
        builder.Services.PostConfigure<HealthCheckServiceOptions>(NameHealthChecks);
        builder.Services.AddSingleton<SchemaMigrator>();
        builder.Services.AddHostedService<SchemaGate>();
        return builder;
    }

    // A statement that fails throws: whoever expected it answers, whoever did not logs it.
    private static void QuietStatements(WarningsConfigurationBuilder warnings) => warnings
        .Ignore(RelationalEventId.PendingModelChangesWarning)
        .Log(
            (RelationalEventId.CommandExecuted, LogLevel.Debug),
            (RelationalEventId.CommandError, LogLevel.Debug),
            (RelationalEventId.ConnectionError, LogLevel.Debug),
            (CoreEventId.SaveChangesFailed, LogLevel.Debug));

    // The integrations name their checks after types; /health speaks of what they check. Without Redis the service is slower and right.
    private static void NameHealthChecks(HealthCheckServiceOptions options)
    {
        foreach (var check in options.Registrations)
        {
            if (check.Name.StartsWith("StackExchange.Redis", StringComparison.Ordinal))
            {
                check.Name = "redis";
                check.FailureStatus = HealthStatus.Degraded;
            }
            else if (check.Name == nameof(SaasLlmDbContext))
            {
                check.Name = "database";
            }
        }
    }

    private static string ConnectionString(IServiceProvider services)
        => new NpgsqlConnectionStringBuilder(
            services.GetRequiredService<IConfiguration>().GetConnectionString(ConnectionName)
                ?? throw new InvalidOperationException($"ConnectionStrings:{ConnectionName} is not configured."))
        {
            // Nothing sets what belongs to a session here, and DISCARD ALL would go before the first statement of every use.
            NoResetOnClose = true,
        }.ConnectionString;
}
