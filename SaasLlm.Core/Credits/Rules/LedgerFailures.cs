using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>Refusals that more than one rule gives.</summary>
internal static class LedgerFailures
{
    public static Failure TeamNotFound { get; } = new(FailureKind.NotFound, "team.not_found", "There is no such team.");

    public static Failure TeamSuspended { get; } = new(FailureKind.Forbidden, "team.suspended", "The team is suspended.");

    public static Failure JobNotFound { get; } = new(FailureKind.NotFound, "job.not_found", "There is no such job.");

    public static Failure CallNotFound { get; } = new(FailureKind.NotFound, "call.not_found", "The job has no such call running.");

    public static Failure CallRunning { get; } = new(
        FailureKind.Conflict, "jobs.call_running", "A call of this job is still running. Nothing was changed.")
    {
        RetryAfter = TimeSpan.FromSeconds(1),
    };

    public static Failure MaxCalls(int limit) => new(FailureKind.LimitReached, "jobs.limit", $"The job may make {limit} calls.")
    {
        Details = new Dictionary<string, object?> { ["limit"] = "max_calls", ["level"] = "job", ["max_calls"] = limit },
    };
}
