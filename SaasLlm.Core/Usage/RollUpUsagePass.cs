using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Background;

namespace SaasLlm.Core.Usage;

/// <summary>Rolls closed hours up, oldest first, and looks again at those before them: a row may have come late.</summary>
internal sealed partial class RollUpUsagePass(UsageRoller roller, IOptions<UsageOptions> options, ILogger<RollUpUsagePass> logger) : IScheduledPass
{
    private bool _rolled;

    public TimeSpan Interval => TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        if (await roller.RollNextAsync(cancellation))
        {
            return _rolled = true;
        }

        if (_rolled)
        {
            await roller.SummarizeAsync(cancellation);
            foreach (var hour in await roller.ClosedHoursAsync(TimeSpan.FromHours(options.Value.RecheckHours), cancellation))
            {
                if (await roller.RecheckAsync(hour, cancellation))
                {
                    LogCorrected(hour);
                }
            }

            _rolled = false;
        }

        return false;
    }

    [LoggerMessage(6101, LogLevel.Warning, "Usage of the hour {Hour} came late; its roll-ups were made anew")]
    private partial void LogCorrected(DateTimeOffset hour);
}
