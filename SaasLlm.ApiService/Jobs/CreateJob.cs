using System.Text.Json;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs;

/// <summary>Opens a job and holds its price.</summary>
internal sealed class CreateJob(ILedger ledger, JobReader jobs, JobTypes types, TimeProvider time)
    : Endpoint<CreateJobRequest, CreateJobResponse>
{
    public override void Configure()
    {
        Post("/create");
        Group<JobsGroup>();
        Description(d => d.ProducesProblem(402).ProducesProblem(403));
        Summary(s =>
        {
            s.Summary = "Opens a job";
            s.Description = "Holds the job's credits; completing charges them, once. With a team's key `team_id` may be left out. "
                + "402 `credits.insufficient` says what is available, held and needed, and which jobs hold it.";
            s.ExampleRequest = new("team_hr", "resume_analysis", "user_1", "task-42", JsonElement.Parse("""{"source": "upload"}"""));
            s.ResponseExamples[200] = new CreateJobResponse(
                Guid.Empty, "team_hr", "resume_analysis", JobStatus.Pending, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, 1);
        });
    }

    public override async Task HandleAsync(CreateJobRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if ((request.TeamId ?? caller.Team?.TeamId) is not { } teamId)
        {
            ThrowError(r => r.TeamId, "is needed: the operator acts for a team", 422);
            return;
        }

        var work = HttpContext.GetWork(time);
        // The job of an attempt whose answer was lost may hold the very credits it would now be refused for.
        if (work.IsRepeat && (await jobs.FindAsync(new(work.Id), teamId, ct)).TryGet(out var open, out _))
        {
            await Send.OkAsync(
                new(open.JobId, open.TeamId, open.JobType, JobStatus.Pending, open.CreatedAt, open.DeadlineAt, open.HoldAmount), ct);
            return;
        }

        if (OwnTeam.Refuse(caller, teamId, isChange: true) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var terms = await types.TermsOfAsync(request.JobType!, ct);
        var opened = await ledger.OpenJobAsync(
            new(new(work.Id), teamId, request.JobType!, request.UserId, request.ExternalTaskId, MetadataRules.Text(request.Metadata),
                terms.Lifetime, terms.MaxCalls, terms.Price, terms.MaxCostUsd),
            ct);
        await opened.Match(
            job => Send.OkAsync(
                new(job.JobId.Value, job.TeamId, request.JobType!, JobStatus.Pending, job.CreatedAt, job.DeadlineAt, job.HeldCredits), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="JobType">The kind of work, for example <c>resume_analysis</c>; its price, deadline and limits where such a job type was made.</param>
/// <param name="UserId">The app's own user, for usage by user.</param>
/// <param name="ExternalTaskId">The app's own id of the work; jobs can be found by it.</param>
internal sealed record CreateJobRequest(
    string? TeamId = null, string? JobType = null, string? UserId = null, string? ExternalTaskId = null, JsonElement? Metadata = null);

internal sealed record CreateJobResponse(
    Guid JobId, string TeamId, string JobType, string Status, DateTimeOffset CreatedAt, DateTimeOffset DeadlineAt, decimal CreditsHeld);

internal sealed class CreateJobValidator : Validator<CreateJobRequest>
{
    public CreateJobValidator()
    {
        RuleFor(r => r.TeamId).Must(id => id is null || Names.IsTenantId(id)).WithMessage("must match ^[A-Za-z0-9_-]{1,64}$");
        RuleFor(r => r.JobType).Must(Names.IsGroupName).WithMessage("must match ^[A-Za-z0-9._-]{1,64}$");
        RuleFor(r => r.UserId).IsLine(255);
        RuleFor(r => r.ExternalTaskId).IsLine(255);
        RuleFor(r => r.Metadata).IsMetadata();
    }
}
