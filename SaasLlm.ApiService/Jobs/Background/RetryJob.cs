using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs.Background;

/// <summary>Submits again what of a job did not succeed.</summary>
internal sealed class RetryJob(BackgroundJobs background, JobReader jobs, TimeProvider time) : Endpoint<RetryJobRequest, SubmitJobResponse>
{
    public override void Configure()
    {
        Post("/{job_id:guid}/retry");
        Group<JobsGroup>();
        Description(d => d.ProducesProblem(402).ProducesProblem(403).ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Submits the failed part of a job again";
            s.Description = "Takes no body. A new job, held and charged as one, of the ended job's steps that did not succeed; the answers of the others are "
                + "carried over for templates. Of a batch, the inputs that did not succeed, by their names of before. The limits of the key that "
                + "asks for it hold for its calls. 409 `background.not_ended`, "
                + "`background.nothing_to_retry`, and `background.not_submitted` for a job that was not submitted with its calls.";
            s.ResponseExamples[200] = new SubmitJobResponse(
                Guid.Empty, "team_hr", "resume_screening", JobStatus.Pending, 2, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, 1);
        });
    }

    public override async Task HandleAsync(RetryJobRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (!(await jobs.TeamOfAsync(caller, request.JobId, ct)).TryGet(out var teamId, out var missing))
        {
            await Send.FailureAsync(missing);
            return;
        }

        if (OwnTeam.Refuse(caller, teamId, isChange: true) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var retried = await background.RetryAsync(teamId, new(request.JobId), new(HttpContext.GetWork(time).Id), caller.Team?.KeyId, ct);
        await retried.Match(made => Send.OkAsync(SubmitJobResponse.Of(made.Job, made.JobType), ct), failure => Send.FailureAsync(failure));
    }
}

internal sealed record RetryJobRequest([property: RouteParam] Guid JobId);
