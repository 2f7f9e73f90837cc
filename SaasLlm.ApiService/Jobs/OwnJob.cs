using SaasLlm.ApiService.Platform.Access;
using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs;

/// <summary>The team whose job it is: the caller's own, or, for the operator, whoever opened it.</summary>
internal static class OwnJob
{
    public static async ValueTask<Result<string>> TeamOfAsync(this JobReader jobs, Caller caller, Guid jobId, CancellationToken cancellation)
        => caller.Team is { } team
            ? team.TeamId
            : (await jobs.FindAsync(new(jobId), null, cancellation)).Map(job => job.TeamId);
}
