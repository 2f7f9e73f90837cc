using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Reads a job.</summary>
internal sealed class GetJob(JobReader jobs, BackgroundReader background) : Endpoint<GetJobRequest, JobResponse>
{
    public override void Configure()
    {
        Get("/{job_id:guid}");
        Group<JobsGroup>();
        Summary(s =>
        {
            s.Summary = "Reads a job";
            s.Description = "`progress` is there for a job that was submitted with its calls.";
            s.ResponseExamples[200] = JobResponse.Example;
        });
    }

    public override async Task HandleAsync(GetJobRequest request, CancellationToken ct)
    {
        var found = await jobs.FindAsync(new(request.JobId), HttpContext.GetCaller().Team?.TeamId, ct);
        await found.Match(
            async job => await Send.OkAsync(
                JobResponse.From(job) with { Progress = ProgressResponse.Of(await background.ProgressAsync(job.TeamId, new(job.JobId), ct)) }, ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetJobRequest([property: RouteParam] Guid JobId);
