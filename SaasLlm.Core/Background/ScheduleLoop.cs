using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Background;

/// <summary>Looks for due schedules as long as the host runs. A store that is gone is waited for.</summary>
internal sealed partial class ScheduleLoop(
    Schedules schedules, IOptions<BackgroundOptions> options, TimeProvider time, ILogger<ScheduleLoop> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (isKnown, isFailing, recorded) = (false, false, time.GetTimestamp());
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (!isKnown)
                {
                    await schedules.RegisterAsync(stoppingToken);
                    isKnown = true;
                }

                await schedules.StartDueAsync(stoppingToken);
                if (time.GetElapsedTime(recorded) >= options.Value.RecordInterval)
                {
                    recorded = time.GetTimestamp();
                    await schedules.RecordAsync(stoppingToken);
                }

                isFailing = false;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                if (!isFailing)
                {
                    LogUnread(exception);
                }

                isFailing = true;
            }
            catch (OperationCanceledException)
            {
                break;
            }

            // Jitter keeps several runners from asking at the same moment.
            await Task.Delay(options.Value.PollInterval * (0.9 + (0.2 * Random.Shared.NextDouble())), time, stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await schedules.DrainAsync();
    }

    [LoggerMessage(1114, LogLevel.Warning, "The schedules cannot be read; they wait")]
    private partial void LogUnread(Exception exception);
}
