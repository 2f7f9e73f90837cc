using SaasLlm.Core.Data;
using SaasLlm.ServiceDefaults;

namespace SaasLlm.JobRunner;

/// <summary>The verb <c>migrate</c>: makes the databases and brings ours to this build's schema. Its exit code is true.</summary>
internal static partial class Migrate
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    public static async Task<int> RunAsync(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.AddServiceDefaults();
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<SchemaMigrator>();
        using var host = builder.Build();
        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(nameof(Migrate));
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) => Stop(pressed, stop);

        try
        {
            await MigrateAsync(host.Services, builder.Configuration, stop.Token);
        }
        catch (Exception exception)
        {
            LogFailed(logger, exception);
            return 1;
        }

        // On Container Apps a process that ends is started again, for ever: there it stays, doing nothing.
        if (builder.Configuration.GetValue("Migrate:StayIdle", false))
        {
            LogIdle(logger);
            await host.RunAsync();
        }

        return 0;
    }

    private static async Task MigrateAsync(IServiceProvider services, IConfiguration configuration, CancellationToken cancellation)
    {
        var ours = configuration.GetConnectionString(CoreDataExtensions.ConnectionName)
            ?? throw new InvalidOperationException($"ConnectionStrings:{CoreDataExtensions.ConnectionName} is not configured.");
        var migrator = services.GetRequiredService<SchemaMigrator>();
        await migrator.MigrateAsync(ours, s_patience, cancellation);
        // LiteLLM makes its own tables; only its database must be there.
        if (configuration.GetConnectionString("litellm") is { Length: > 0 } litellm)
        {
            await migrator.EnsureDatabaseAsync(litellm, s_patience, cancellation);
        }
    }

    private static void Stop(ConsoleCancelEventArgs pressed, CancellationTokenSource stop)
    {
        pressed.Cancel = true;
        stop.Cancel();
    }

    [LoggerMessage(1021, LogLevel.Critical, "The migration failed")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(1022, LogLevel.Information, "Migrated; staying idle")]
    private static partial void LogIdle(ILogger logger);
}
