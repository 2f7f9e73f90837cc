using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Cancels a job at once and releases its credits.</summary>
internal sealed class CancelJob(ILedger ledger, JobReader jobs, BackgroundJobs background) : Endpoint<CancelJobRequest, EndedJobResponse>
{
    public override void Configure()
    {
        Post("/{job_id:guid}/cancel");
        Group<JobsGroup>();
        Description(d => d.ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Cancels a job";
            s.Description = "Takes no body. Wins over a running call: that one answers 409. Repeating it answers the same.";
            s.ResponseExamples[200] = EndedJobResponse.Example with { Status = JobStatus.Cancelled };
        });
    }

    public override async Task HandleAsync(CancelJobRequest request, CancellationToken ct)
    {
        if (!(await jobs.TeamOfAsync(HttpContext.GetCaller(), request.JobId, ct)).TryGet(out var teamId, out var missing))
        {
            await Send.FailureAsync(missing);
            return;
        }

        var ended = await ledger.CloseJobAsync(new(teamId, new(request.JobId), JobStatus.Cancelled, null, null), ct);
        if (ended.TryGet(out var closed, out _))
        {
            await background.FollowEndAsync(teamId, closed, ct);
        }

        await ended.Match(
            async job => await Send.OkAsync(EndedJobResponse.From(job, await jobs.CallsOfAsync(teamId, job, ct)), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record CancelJobRequest([property: RouteParam] Guid JobId);
