using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Lists a team's jobs, newest first.</summary>
internal sealed class ListTeamJobs(JobReader jobs) : Endpoint<ListTeamJobsRequest, PageResponse<JobResponse>>
{
    public override void Configure()
    {
        Get("/jobs");
        Group<OwnTeamGroup>();
        Summary(s =>
        {
            s.Summary = "Lists a team's jobs";
            s.Params["status"] = "pending, in_progress, completed, failed, cancelled or expired";
            s.Params["job_type"] = "Only this kind of work.";
            s.Params["created_after"] = "A time, for example 2026-01-31T12:00:00Z.";
            s.Params["created_before"] = "A time.";
            s.Params["sort"] = "-job_id (newest first, where it is left out) or job_id";
            s.ResponseExamples[200] = new PageResponse<JobResponse>([JobResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListTeamJobsRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var listed = await jobs.ListAsync(
            request.TeamId, new(request.Status, request.JobType, request.CreatedAfter?.ToUniversalTime(), request.CreatedBefore?.ToUniversalTime()),
            request.ToQuery(descendingByDefault: true), ct);
        await listed.Match(page => Send.OkAsync(PageResponse.Of(page, JobResponse.From), ct), failure => Send.FailureAsync(failure));
    }
}

internal sealed record ListTeamJobsRequest(
    [property: RouteParam] string TeamId,
    [property: QueryParam] string? Status = null,
    [property: QueryParam] string? JobType = null,
    [property: QueryParam] DateTimeOffset? CreatedAfter = null,
    [property: QueryParam] DateTimeOffset? CreatedBefore = null,
    [property: QueryParam] int? Limit = null,
    [property: QueryParam] string? Cursor = null,
    [property: QueryParam] string? Sort = null) : IPageRequest;

internal sealed class ListTeamJobsValidator : Validator<ListTeamJobsRequest>
{
    private static readonly string[] s_statuses =
        [JobStatus.Pending, JobStatus.InProgress, JobStatus.Completed, JobStatus.Failed, JobStatus.Cancelled, JobStatus.Expired];

    public ListTeamJobsValidator()
    {
        this.IsPage("job_id");
        RuleFor(r => r.Cursor).IsIdCursor();
        RuleFor(r => r.Status).Must(status => status is null || s_statuses.Contains(status)).WithMessage($"must be one of {string.Join(", ", s_statuses)}");
        RuleFor(r => r.JobType).MaximumLength(64);
    }
}
