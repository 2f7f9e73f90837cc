using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Finds jobs by the app's own id of the work.</summary>
internal sealed class FindJobs(JobReader jobs) : Endpoint<FindJobsRequest, PageResponse<JobResponse>>
{
    public override void Configure()
    {
        Get("");
        Group<JobsGroup>();
        Summary(s =>
        {
            s.Summary = "Finds jobs by external_task_id";
            s.Params["external_task_id"] = "As given when the job was opened.";
            s.Params["team_id"] = "Only this team's; a team finds its own only.";
            s.Params["sort"] = "-job_id (newest first, where it is left out) or job_id";
            s.ResponseExamples[200] = new PageResponse<JobResponse>([JobResponse.Example], null);
        });
    }

    public override async Task HandleAsync(FindJobsRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (request.TeamId is not null && OwnTeam.Refuse(caller, request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var page = await jobs.FindByTaskAsync(
            request.ExternalTaskId!, request.TeamId ?? caller.Team?.TeamId, request.ToQuery(descendingByDefault: true), ct);
        await Send.OkAsync(PageResponse.Of(page, JobResponse.From), ct);
    }
}

internal sealed record FindJobsRequest(
    [property: QueryParam] string? ExternalTaskId = null,
    [property: QueryParam] string? TeamId = null,
    [property: QueryParam] int? Limit = null,
    [property: QueryParam] string? Cursor = null,
    [property: QueryParam] string? Sort = null) : IPageRequest;

internal sealed class FindJobsValidator : Validator<FindJobsRequest>
{
    public FindJobsValidator()
    {
        this.IsPage("job_id");
        RuleFor(r => r.ExternalTaskId).NotEmpty().MaximumLength(255);
        RuleFor(r => r.Cursor).IsIdCursor();
    }
}
