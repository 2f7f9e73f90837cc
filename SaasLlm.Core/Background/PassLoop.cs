using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace SaasLlm.Core.Background;

/// <summary>The one loop around every <see cref="IBackgroundPass"/>: a failed pass is logged and tried again, and never stops the host.</summary>
internal sealed partial class PassLoop(IBackgroundPass pass, TimeProvider time, ILogger<PassLoop> logger) : BackgroundService
{
    private static readonly TimeSpan s_backOffMax = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await pass.RunAsync(stoppingToken))
                {
                }

                failures = 0;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                failures++;
                LogPassFailed(exception, pass.GetType().Name, failures);
            }

            // Jitter keeps several runners from asking at the same moment.
            var rest = pass.Interval * Math.Pow(2, Math.Min(failures, 6)) * (0.9 + (0.2 * Random.Shared.NextDouble()));
            var cap = pass.Interval > s_backOffMax ? pass.Interval * 1.1 : s_backOffMax;
            await Task.Delay(rest < cap ? rest : cap, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(1101, LogLevel.Error, "The pass {Pass} failed, {Failures} times in a row")]
    private partial void LogPassFailed(Exception exception, string pass, int failures);
}
