using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using StackExchange.Redis;

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
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(services => new NpgsqlDataSourceBuilder(ConnectionString(services))
            .UseLoggerFactory(services.GetRequiredService<ILoggerFactory>())
            .Build());
        builder.Services.AddPooledDbContextFactory<SaasLlmDbContext>((services, options) => options
            .UseNpgsql(ConnectionString(services))
            .ConfigureWarnings(warnings => warnings.Ignore(RelationalEventId.PendingModelChangesWarning)));
        builder.Services.AddSingleton<IConnectionMultiplexer>(services => ConnectionMultiplexer.Connect(RedisOptions(services)));
        builder.Services.AddSingleton<SchemaMigrator>();
        builder.Services.AddHostedService<SchemaGate>();
        return builder;
    }

    private static ConfigurationOptions RedisOptions(IServiceProvider services)
    {
        var options = ConfigurationOptions.Parse(services.GetRequiredService<IConfiguration>().GetConnectionString(RedisName) ?? "localhost");
        options.AbortOnConnectFail = false;
        return options;
    }

    private static string ConnectionString(IServiceProvider services)
        => services.GetRequiredService<IConfiguration>().GetConnectionString(ConnectionName)
           ?? throw new InvalidOperationException($"ConnectionStrings:{ConnectionName} is not configured.");
}
