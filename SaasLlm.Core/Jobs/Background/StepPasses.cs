using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Background;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Makes steps ready whose time to be tried again has come.</summary>
internal sealed class DueStepsPass(StepStore steps, IOptions<BackgroundJobOptions> options) : IBackgroundPass
{
    private const int BatchSizeMax = 1000;

    public TimeSpan Interval => options.Value.Poll;

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation) => await steps.MakeDueReadyAsync(BatchSizeMax, cancellation) == BatchSizeMax;
}

/// <summary>Takes back the steps of runners that died; a step that took several with it has failed. Counts what waits meanwhile.</summary>
internal sealed partial class LostStepsPass(
    StepStore steps, StepTelemetry telemetry, IOptions<BackgroundJobOptions> options, ILogger<LostStepsPass> logger) : IBackgroundPass
{
    private const int BatchSizeMax = 500;

    private static readonly Failure s_poisoned = new(
        FailureKind.UpstreamFailed, "background.poisoned", "The step was begun several times, and never came to an end.");

    public TimeSpan Interval => options.Value.Lease / 6;

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        var lost = await steps.OverdueAsync(BatchSizeMax, cancellation);
        var poisoned = lost.Where(step => step.Claims >= options.Value.ClaimsMax).ToList();
        var others = lost.Where(step => step.Claims < options.Value.ClaimsMax).ToList();
        if (others.Count > 0)
        {
            LogTakenBack(others.Count);
            await steps.TakeBackAsync(others, cancellation);
        }

        if (poisoned.Count > 0)
        {
            LogPoisoned(poisoned.Count);
            await steps.SaveAsync([.. poisoned.Select(step => StepEnded.Failed(step.Id, step.Token, s_poisoned))], cancellation);
        }

        telemetry.LeasesLost(lost.Count, poisoned.Count);
        telemetry.Ready(await steps.CountReadyAsync(cancellation));
        return lost.Count == BatchSizeMax;
    }

    [LoggerMessage(4206, LogLevel.Warning, "{Count} background steps are claimed again: their runner no longer keeps them")]
    private partial void LogTakenBack(int count);

    [LoggerMessage(4207, LogLevel.Error, "{Count} background steps failed: each was begun several times and never came to an end")]
    private partial void LogPoisoned(int count);
}
