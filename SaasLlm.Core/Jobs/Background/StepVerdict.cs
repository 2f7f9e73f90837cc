using SaasLlm.Core.Common;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>What a step's failure means for it.</summary>
internal enum StepVerdictKind
{
    /// <summary>It is tried again.</summary>
    Again,

    /// <summary>It has failed: a repeat would fail too, or there were enough.</summary>
    Failed,

    /// <summary>Its job has ended, and all the plan with it.</summary>
    JobEnded,

    /// <summary>Another runner has it.</summary>
    Lost,
}

/// <summary>Decides what becomes of a step whose call failed.</summary>
/// <param name="Counts">As one of its tries: what only says "later" does not.</param>
internal readonly record struct StepVerdict(StepVerdictKind Kind, TimeSpan Wait = default, bool Counts = false)
{
    private const int CreditsWaitFactor = 30;

    private static readonly TimeSpan s_suspendedWait = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_laterWait = TimeSpan.FromSeconds(5);

    /// <param name="tries">That counted before this one.</param>
    /// <param name="random">0 to 1: of several steps that failed together, not all come again together.</param>
    public static StepVerdict Of(Failure failure, int tries, int maxTries, BackgroundJobOptions options, double random)
    {
        switch (failure.Code)
        {
            case "llm.answer_not_kept":
                return new(StepVerdictKind.Lost);
            case "job.ended" or "job.expired" or "job.not_found":
                return new(StepVerdictKind.JobEnded);
            case "team.suspended":
                return new(StepVerdictKind.Again, s_suspendedWait * Jitter(random));
            case "jobs.limit":
                return new(StepVerdictKind.Failed);
        }

        switch (failure.Kind)
        {
            case FailureKind.LimitReached when failure.ShouldRetry is not false:
            case FailureKind.Unavailable:
                return new(StepVerdictKind.Again, Min(failure.RetryAfter ?? s_laterWait, options.RetryMax) * Jitter(random));
            case FailureKind.UpstreamFailed or FailureKind.UpstreamTimeout when tries + 1 < maxTries:
                return new(StepVerdictKind.Again, BackOff(options.RetryMin, tries, options.RetryMax) * Jitter(random), Counts: true);
            // Somebody has to buy credits, or other jobs have to end: that takes longer than a model's bad moment.
            case FailureKind.InsufficientCredits when tries + 1 < maxTries:
                return new(StepVerdictKind.Again, BackOff(options.RetryMin * CreditsWaitFactor, tries, options.RetryMax) * Jitter(random), Counts: true);
            default:
                return new(StepVerdictKind.Failed);
        }
    }

    private static TimeSpan BackOff(TimeSpan first, int tries, TimeSpan max) => Min(first * Math.Pow(2, tries), max);

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    // From the whole of it to half as much again: never earlier than was asked for.
    private static double Jitter(double random) => 1 + (random / 2);
}
