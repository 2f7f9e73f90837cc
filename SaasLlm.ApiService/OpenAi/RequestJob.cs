using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>The job that an OpenAI client's request belongs to: the open one that <c>X-Job-Id</c> names, or one of its own.</summary>
/// <param name="Opens">Null: it joins an open job.</param>
internal sealed record RequestJob(string TeamId, JobId JobId, OpenJob? Opens)
{
    private const int LabelLengthMax = 255;

    /// <param name="typeOtherwise">The job's type where <c>X-Job-Type</c> names none.</param>
    public static async Task<Result<RequestJob>> OfAsync(
        HttpContext context, ModelRequest request, string typeOtherwise, JobReader jobs, JobTypes types, TimeProvider time)
    {
        if (context.GetCaller().Team is not { } team)
        {
            return new Failure(FailureKind.Forbidden, "access.team_key_needed", "This route spends a team's credits: call it with a team's key.");
        }

        var headers = context.Request.Headers;
        if (headers.TryGetValue("X-Job-Id", out var named))
        {
            return Guid.TryParse(named, out var id)
                ? (await jobs.FindAsync(new(id), team.TeamId, context.RequestAborted)).Map(job => new RequestJob(team.TeamId, new(job.JobId), null))
                : new Failure(FailureKind.Invalid, "request.malformed", "X-Job-Id must be a job's id.");
        }

        var type = Label(headers["X-Job-Type"]) ?? typeOtherwise;
        var (userId, task) = (Label(headers["X-User-Id"]) ?? Label(request.User), Label(headers["X-External-Task-Id"]));
        if (!Names.IsGroupName(type) || userId is { Length: > LabelLengthMax } || task is { Length: > LabelLengthMax })
        {
            return new Failure(
                FailureKind.Invalid, "request.malformed",
                "X-Job-Type must match ^[A-Za-z0-9._-]{1,64}$; X-User-Id and X-External-Task-Id have at most 255 characters.");
        }

        var terms = await types.TermsOfAsync(type, context.RequestAborted);
        var jobId = new JobId(context.GetWork(time).Id);
        return new RequestJob(team.TeamId, jobId, new(
            jobId, team.TeamId, type, userId, task, request.Labels, terms.Lifetime, terms.MaxCalls, terms.Price, terms.MaxCostUsd));
    }

    private static string? Label(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
