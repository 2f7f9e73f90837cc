using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs.Background;

/// <summary>Tells what happens to a submitted job while it runs.</summary>
internal sealed class StreamEvents(StepResults results, BackgroundReader background, JobReader jobs, TimeProvider time) : Endpoint<StreamEventsRequest>
{
    public override void Configure()
    {
        Get("/{job_id:guid}/events");
        Group<JobsGroup>();
        Description(d => d.Produces(200, contentType: "text/event-stream").ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Follows a submitted job, as a stream";
            s.Description = "Server-sent events: `step.succeeded`, `step.failed`, `step.skipped` and `step.cancelled` as each step ends, with its result but for the "
                + "whole response; `progress` after each group of them; at last the job's end, `job.completed`, `job.failed`, `job.cancelled` or `job.expired`, and "
                + "the stream ends. Their ids count from 1: with `Last-Event-ID`, as a browser's EventSource sends it, or with `after` it goes on there, and nothing is "
                + "lost. A comment (`: ping`) shows every 15 s that it goes on. 409 for a job that was not submitted with its calls.";
            s.Params["after"] = "The id of the last event that was seen.";
        });
    }

    public override async Task HandleAsync(StreamEventsRequest request, CancellationToken ct)
    {
        if (!(await jobs.FindAsync(new(request.JobId), HttpContext.GetCaller().Team?.TeamId, ct)).TryGet(out var job, out var missing))
        {
            await Send.FailureAsync(missing);
            return;
        }

        if (await background.ProgressAsync(job.TeamId, new(job.JobId), ct) is not { } progress)
        {
            await Send.FailureAsync(BackgroundFailures.NotSubmitted);
            return;
        }

        // A browser that comes back asks the same address again: the header says how far it got.
        var after = Math.Max(request.After ?? 0, int.TryParse(HttpContext.Request.Headers["Last-Event-ID"], out var last) ? last : 0);
        if (progress.State == PlanState.Ended && after >= progress.LastSequence && !JobStatus.IsOpen(job.Status))
        {
            // Nothing will come any more: 204 is what stops an EventSource from coming back for ever.
            await Send.NoContentAsync(ct);
            return;
        }

        HttpContext.MarkResponseStart();
        await new JobEventStream(HttpContext, results, background, jobs, time).WriteAsync(job.TeamId, new(job.JobId), after);
    }
}

internal sealed record StreamEventsRequest([property: RouteParam] Guid JobId, [property: QueryParam] int? After = null);

internal sealed class StreamEventsValidator : Validator<StreamEventsRequest>
{
    public StreamEventsValidator() => RuleFor(r => r.After).GreaterThanOrEqualTo(0);
}
