using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Reads a job.</summary>
internal sealed class GetJob(JobReader jobs) : Endpoint<GetJobRequest, JobResponse>
{
    public override void Configure()
    {
        Get("/{job_id:guid}");
        Group<JobsGroup>();
        Summary(s =>
        {
            s.Summary = "Reads a job";
            s.ResponseExamples[200] = JobResponse.Example;
        });
    }

    public override async Task HandleAsync(GetJobRequest request, CancellationToken ct)
    {
        var found = await jobs.FindAsync(new(request.JobId), HttpContext.GetCaller().Team?.TeamId, ct);
        await found.Match(job => Send.OkAsync(JobResponse.From(job), ct), failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetJobRequest([property: RouteParam] Guid JobId);
