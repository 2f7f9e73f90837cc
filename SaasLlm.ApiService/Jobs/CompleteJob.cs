using System.Text.Json;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Ends a job as completed or failed.</summary>
internal sealed class CompleteJob(ILedger ledger, JobReader jobs, BackgroundJobs background)
    : Endpoint<CompleteJobRequest, EndedJobResponse>
{
    public override void Configure()
    {
        Post("/{job_id:guid}/complete");
        Group<JobsGroup>();
        Description(d => d.ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Completes or fails a job";
            s.Description = "`completed` charges the job's credits, once; `failed` releases them. The first end wins: repeating it answers the same, "
                + "another one is 409 `job.ended`. While a call runs, completing waits up to 5 s, then answers 409 `jobs.call_running`. "
                + "A submitted job completes by itself: until it has, `completed` is 409 `background.runs_itself`.";
            s.ExampleRequest = new(default, JobStatus.Completed, null, JsonElement.Parse("""{"pages": 3}"""));
            s.ResponseExamples[200] = EndedJobResponse.Example;
        });
    }

    public override async Task HandleAsync(CompleteJobRequest request, CancellationToken ct)
    {
        if (!(await jobs.TeamOfAsync(HttpContext.GetCaller(), request.JobId, ct)).TryGet(out var teamId, out var missing))
        {
            await Send.FailureAsync(missing);
            return;
        }

        var metadata = request.Metadata is { ValueKind: JsonValueKind.Object } ? MetadataRules.Text(request.Metadata) : null;
        var ended = await ledger.CloseJobAsync(new(teamId, new(request.JobId), request.Status!, request.ErrorMessage, metadata), ct);
        if (ended.TryGet(out var closed, out _))
        {
            await background.FollowEndAsync(teamId, closed, ct);
        }

        await ended.Match(
            async job => await Send.OkAsync(EndedJobResponse.From(job, await jobs.CallsOfAsync(teamId, job, ct)), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="Status"><c>completed</c> or <c>failed</c>.</param>
/// <param name="ErrorMessage">Why it failed, in the app's words.</param>
/// <param name="Metadata">Merged over the job's.</param>
internal sealed record CompleteJobRequest(
    [property: RouteParam] Guid JobId, string? Status = null, string? ErrorMessage = null, JsonElement? Metadata = null);

internal sealed class CompleteJobValidator : Validator<CompleteJobRequest>
{
    public CompleteJobValidator()
    {
        RuleFor(r => r.Status).Must(status => status is JobStatus.Completed or JobStatus.Failed).WithMessage("must be completed or failed");
        RuleFor(r => r.ErrorMessage).MaximumLength(2000);
        RuleFor(r => r.Metadata).IsMetadata();
    }
}
