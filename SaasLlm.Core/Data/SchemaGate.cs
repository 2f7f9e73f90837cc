using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace SaasLlm.Core.Data;

/// <summary>
/// Holds a service's start until the database has this build's schema: in published outputs nothing else orders
/// the two, and a database may be late.
/// </summary>
internal sealed partial class SchemaGate(
    IDbContextFactory<SaasLlmDbContext> contexts, TimeProvider time, ILogger<SchemaGate> logger) : IHostedLifecycleService
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        for (var tries = 0; await MissingAsync(cancellationToken) is { } reason; tries++)
        {
            // Once every ten seconds says enough.
            if (tries % 20 == 0)
            {
                LogWaiting(reason);
            }

            await Task.Delay(s_pause, time, cancellationToken);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task<string?> MissingAsync(CancellationToken cancellation)
    {
        try
        {
            await using var db = await contexts.CreateDbContextAsync(cancellation);
            var newest = db.Database.GetMigrations().Last();
            var applied = await db.Database.GetAppliedMigrationsAsync(cancellation);
            return applied.Contains(newest, StringComparer.Ordinal) ? null : $"migration {newest} is not applied";
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            return exception.Message;
        }
    }

    [LoggerMessage(1011, LogLevel.Information, "Waiting for the database's schema: {Reason}")]
    private partial void LogWaiting(string reason);
}
