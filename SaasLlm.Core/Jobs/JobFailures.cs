using SaasLlm.Core.Common;

namespace SaasLlm.Core.Jobs;

/// <summary>Refusals about jobs.</summary>
public static class JobFailures
{
    /// <summary>Not there, or another team's: the two look the same.</summary>
    public static readonly Failure NotFound = new(FailureKind.NotFound, "job.not_found", "There is no such job.");
}
