using System.Text.Json;
using FastEndpoints;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;
using RequestSizeLimit = Microsoft.AspNetCore.Mvc.RequestSizeLimitAttribute;

namespace SaasLlm.ApiService.Jobs.Background;

/// <summary>Takes a job with its calls, to be made in the background.</summary>
internal sealed class SubmitJob(BackgroundJobs jobs, TimeProvider time) : Endpoint<SubmitJobRequest, SubmitJobResponse>
{
    public override void Configure()
    {
        Post("/submit");
        Group<JobsGroup>();
        Description(d => d.WithMetadata(new RequestSizeLimit(CallRoute.BodyBytesMax)));
        Description(d => d.ProducesProblem(402).ProducesProblem(403));
        Summary(s =>
        {
            s.Summary = "Submits a job with its calls";
            s.Description = "Opens the job, holds its credits, and makes its calls in the background: `steps`, or a `batch` of one step over many inputs. "
                + "A step is what `llm-call` takes, with `name`, `depends_on` (names of steps that must succeed before it; where it is left out, in `mode` "
                + "`sequence` the step before, in `parallel` none) and `max_tries`. Texts may hold `{{steps.<name>.content}}` of a step it depends on, in a batch "
                + "`{{input}}` and `{{input.<member>}}`; `{{{{` is two braces. The job completes, and is charged, when its steps have succeeded "
                + "(`on_step_failure` `fail`, as for steps) or at least one has (`continue`, as for a batch); else it fails and costs nothing. Its calls keep to the limits of the key that submits it "
                + "(of a key that was revoked or has expired since: to the team's alone): a step over a limit waits. What has not succeeded at the deadline "
                + "expires the job, and `error_message` says what a step waited for.";
            s.ExampleRequest = s_example;
            s.ResponseExamples[200] = new SubmitJobResponse(
                Guid.Empty, "team_hr", "resume_screening", JobStatus.Pending, 2, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, 1);
        });
    }

    public override async Task HandleAsync(SubmitJobRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if ((request.TeamId ?? caller.Team?.TeamId) is not { } teamId)
        {
            ThrowError(r => r.TeamId, "is needed: the operator acts for a team", 422);
            return;
        }

        if (OwnTeam.Refuse(caller, teamId, isChange: true) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var (plan, faults) = SubmittedPlan.Read(request, time);
        faults = plan is null ? faults : await jobs.FindFaultsAsync(teamId, request.JobType!, plan, ct);
        foreach (var fault in faults)
        {
            AddError(new(fault.Field, fault.Sentence));
        }

        ThrowIfAnyErrors(422);
        var submitted = await jobs.SubmitAsync(
            new(new(HttpContext.GetWork(time).Id), teamId, request.JobType!, request.UserId, request.ExternalTaskId, MetadataRules.Text(request.Metadata), plan!,
                KeyId: caller.Team?.KeyId),
            ct);
        await submitted.Match(job => Send.OkAsync(SubmitJobResponse.Of(job, request.JobType!), ct), failure => Send.FailureAsync(failure));
    }

    private static readonly SubmitJobRequest s_example = new(
        "team_hr", "resume_screening", "user_1", "task-42", JsonElement.Parse("""{"source": "upload"}"""),
        Steps:
        [
            JsonElement.Parse("""{"name": "parse", "model_group": "ParsingAgent", "messages": [{"role": "user", "content": "List the skills in this resume: …"}]}"""),
            JsonElement.Parse("""{"name": "rate", "model_group": "ResumeAgent", "messages": [{"role": "user", "content": "Rate these skills: {{steps.parse.content}}"}]}"""),
        ],
        Mode: "sequence", MaxParallelism: 8, Priority: 5, DeadlineSeconds: 3600, OnStepFailure: "fail");
}
