using SaasLlm.Core.Common;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Refusals about submitted jobs.</summary>
public static class BackgroundFailures
{
    public static readonly Failure NotSubmitted = new(
        FailureKind.Conflict, "background.not_submitted", "The job was not submitted with its calls.");

    public static readonly Failure NotEnded = new(
        FailureKind.Conflict, "background.not_ended", "The job has not ended: what is left of it still runs.");

    public static readonly Failure NothingToRetry = new(
        FailureKind.Conflict, "background.nothing_to_retry", "All steps of the job have succeeded.");

    /// <summary>What a job was submitted with is not allowed any more.</summary>
    public static Failure CannotRun(PlanFault fault)
        => new(FailureKind.Conflict, "background.cannot_run", $"The job cannot run any more as it was submitted: {fault.Field} {fault.Sentence}.");
}
