using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Background;

namespace SaasLlm.Core.Usage;

/// <summary>Once a day, holds the closed hours of the last weeks against the tables, and makes anew those that differ.</summary>
internal sealed partial class RecheckUsagePass(UsageRoller roller, IOptions<UsageOptions> options, ILogger<RecheckUsagePass> logger) : IScheduledPass
{
    public TimeSpan Interval => TimeSpan.FromDays(1);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        var corrected = 0;
        foreach (var hour in await roller.ClosedHoursAsync(options.Value.NightlyWindow, cancellation))
        {
            corrected += await roller.RecheckAsync(hour, cancellation) ? 1 : 0;
        }

        if (corrected > 0)
        {
            LogCorrected(corrected);
        }

        return false;
    }

    [LoggerMessage(6102, LogLevel.Warning, "The roll-ups of {Hours} closed hours differed from the tables and were made anew")]
    private partial void LogCorrected(int hours);
}
