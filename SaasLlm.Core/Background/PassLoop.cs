using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace SaasLlm.Core.Background;

/// <summary>The one loop around every <see cref="IBackgroundPass"/>: a failed pass is logged and tried again, and never stops the host.</summary>
internal sealed partial class PassLoop(BackgroundTask task, BackgroundTelemetry telemetry, TimeProvider time, ILogger<PassLoop> logger) : BackgroundService
{
    private static readonly TimeSpan s_backOffMax = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (failures, pass, wasWoken) = (0, task.Pass, false);
        while (!stoppingToken.IsCancellationRequested)
        {
            var started = time.GetTimestamp();
            string? error = null;
            try
            {
                if (wasWoken)
                {
                    await pass.PrepareRequestedAsync(stoppingToken);
                }

                while (await pass.RunAsync(stoppingToken))
                {
                }

                failures = 0;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                failures++;
                error = Schedules.ErrorOf(exception);
                LogPassFailed(exception is PassFailedException ? null : exception, task.Name, failures, error);
            }

            var duration = time.GetElapsedTime(started);
            task.Record(time.GetTimestamp(), duration, error);
            telemetry.Ran(task.Name, error is null ? TaskOutcome.Succeeded : TaskOutcome.Failed, duration);

            // Jitter keeps several runners from asking at the same moment.
            var rest = pass.Interval * Math.Pow(2, Math.Min(failures, 6)) * (0.9 + (0.2 * Random.Shared.NextDouble()));
            var cap = pass.Interval > s_backOffMax ? pass.Interval * 1.1 : s_backOffMax;
            wasWoken = await task.RestAsync(rest < cap ? rest : cap, time, stoppingToken);
        }
    }

    [LoggerMessage(1101, LogLevel.Error, "The pass {Pass} failed, {Failures} times in a row: {Error}")]
    private partial void LogPassFailed(Exception? exception, string pass, int failures, string error);
}
