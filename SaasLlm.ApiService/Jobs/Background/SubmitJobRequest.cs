using System.Text.Json;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs.Background;

/// <param name="Steps">1 to 100 calls.</param>
/// <param name="Batch">One call over up to 10 000 inputs, in place of <c>steps</c>.</param>
/// <param name="Mode"><c>sequence</c> (each step waits for the one before it) or <c>parallel</c>.</param>
/// <param name="MaxParallelism">Calls of the job that may run at once: 1 to 256; 8 for steps, 32 for a batch where it is left out.</param>
/// <param name="Priority">Within the team: 0 runs first, 9 last; 5 where it is left out.</param>
/// <param name="RunAt">Not before this time, at most 30 days ahead; its credits are held from now on.</param>
/// <param name="DeadlineSeconds">From <c>run_at</c> on; then the job expires. One day where it is left out, at most 30.</param>
/// <param name="OnStepFailure"><c>fail</c> the job, or <c>continue</c> with what does not depend on the step.</param>
internal sealed record SubmitJobRequest(
    string? TeamId = null, string? JobType = null, string? UserId = null, string? ExternalTaskId = null, JsonElement? Metadata = null,
    IReadOnlyList<JsonElement>? Steps = null, SubmittedBatch? Batch = null, string? Mode = null, int? MaxParallelism = null, int? Priority = null,
    DateTimeOffset? RunAt = null, int? DeadlineSeconds = null, string? OnStepFailure = null);

/// <param name="Step">What <c>llm-call</c> takes; its texts may hold <c>{{input}}</c>.</param>
/// <param name="Inputs">1 to 10 000 JSON values of at most 64 kB each.</param>
internal sealed record SubmittedBatch(JsonElement? Step = null, IReadOnlyList<JsonElement>? Inputs = null);

internal sealed record SubmitJobResponse(
    Guid JobId, string TeamId, string JobType, string Status, int TotalSteps, DateTimeOffset CreatedAt, DateTimeOffset RunAt, DateTimeOffset DeadlineAt,
    decimal CreditsHeld)
{
    public static SubmitJobResponse Of(SubmittedJob job, string jobType) => new(
        job.JobId.Value, job.TeamId, jobType, Core.Jobs.JobStatus.Pending, job.TotalSteps, job.CreatedAt, job.RunAt, job.DeadlineAt, job.HeldCredits);
}

internal sealed class SubmitJobValidator : Validator<SubmitJobRequest>
{
    private const int DeadlineSecondsMax = 30 * 24 * 60 * 60;

    public SubmitJobValidator()
    {
        RuleFor(r => r.TeamId).Must(id => id is null || Names.IsTenantId(id)).WithMessage("must match ^[A-Za-z0-9_-]{1,64}$");
        RuleFor(r => r.JobType).Must(Names.IsGroupName).WithMessage("must match ^[A-Za-z0-9._-]{1,64}$");
        RuleFor(r => r.UserId).IsLine(255);
        RuleFor(r => r.ExternalTaskId).IsLine(255);
        RuleFor(r => r.Metadata).IsMetadata();
        RuleFor(r => r.Steps).Must((request, steps) => steps is null != request.Batch is null).WithMessage("is needed, or 'batch', and not both");
        RuleFor(r => r.Steps).Must(steps => steps is null || steps.Count is >= 1 and <= JobPlan.StepsMax).WithMessage($"must be 1 to {JobPlan.StepsMax}");
        RuleFor(r => r.Batch).Must(batch => batch is null || batch.Inputs is { Count: >= 1 and <= JobPlan.InputsMax }).WithMessage($"needs 1 to {JobPlan.InputsMax} 'inputs'");
        RuleFor(r => r.Batch).Must(batch => batch is null || batch.Step is not null).WithMessage("needs a 'step'");
        RuleFor(r => r.Mode).Must(mode => mode is null or "sequence" or "parallel").WithMessage("must be sequence or parallel");
        RuleFor(r => r.Mode).Must((request, mode) => mode is null || request.Batch is null).WithMessage("is for steps; those of a batch are parallel");
        RuleFor(r => r.MaxParallelism).InclusiveBetween(1, JobPlan.ParallelismMax);
        RuleFor(r => r.Priority).InclusiveBetween(0, JobPlan.PriorityMax);
        RuleFor(r => r.DeadlineSeconds).InclusiveBetween(1, DeadlineSecondsMax);
        RuleFor(r => r.OnStepFailure).Must(word => word is null or "fail" or "continue").WithMessage("must be fail or continue");
    }
}
