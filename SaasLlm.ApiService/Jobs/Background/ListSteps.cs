using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs.Background;

/// <summary>Lists the steps of a submitted job.</summary>
internal sealed class ListSteps(BackgroundReader steps, JobReader jobs) : Endpoint<ListStepsRequest, PageResponse<StepResponse>>
{
    public override void Configure()
    {
        Get("/{job_id:guid}/steps");
        Group<JobsGroup>();
        Summary(s =>
        {
            s.Summary = "Lists the steps of a submitted job";
            s.Description = "In their order. A job that was not submitted with its calls has none.";
            s.Params["status"] = "waiting, scheduled (it is tried again), ready, running, succeeded, failed, skipped (a step before it failed) or cancelled";
            s.Params["sort"] = "ordinal (where it is left out) or -ordinal";
            s.ResponseExamples[200] = new PageResponse<StepResponse>([StepResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListStepsRequest request, CancellationToken ct)
    {
        var found = await jobs.FindAsync(new(request.JobId), HttpContext.GetCaller().Team?.TeamId, ct);
        await found.Match(
            async job => await Send.OkAsync(
                PageResponse.Of(await steps.StepsAsync(job.TeamId, new(request.JobId), request.Status, request.ToQuery(), ct), StepResponse.Of), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record ListStepsRequest(
    [property: RouteParam] Guid JobId,
    [property: QueryParam] string? Status = null,
    [property: QueryParam] int? Limit = null,
    [property: QueryParam] string? Cursor = null,
    [property: QueryParam] string? Sort = null) : IPageRequest;

/// <param name="Name">Of a batch, the number of its input.</param>
/// <param name="DependsOn">Numbers of the steps that must succeed before it.</param>
/// <param name="Tries">How often it failed or was answered.</param>
/// <param name="RunAfter">When it is tried again.</param>
internal sealed record StepResponse(
    int Ordinal, string Name, string ModelGroup, string? Purpose, string Status, IReadOnlyList<int> DependsOn, int Tries, int MaxTries,
    DateTimeOffset? RunAfter, Guid? CallId, long? TokensUsed, int? LatencyMs, string? ErrorCode, string? ErrorMessage,
    DateTimeOffset? StartedAt, DateTimeOffset? EndedAt)
{
    public static StepResponse Example => new(
        1, "rate", "ResumeAgent", null, StepStatus.Succeeded, [0], 1, 3, null, Guid.Empty, 1834, 912, null, null, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch);

    public static StepResponse Of(StepRow step) => new(
        step.Ordinal, step.Name, step.ModelGroup, step.Purpose, step.Status, step.DependsOn, step.Tries, step.MaxTries, step.RunAfter, step.CallId,
        step.Tokens, step.LatencyMs, step.ErrorCode, step.ErrorMessage, step.StartedAt, step.EndedAt);
}

internal sealed class ListStepsValidator : Validator<ListStepsRequest>
{
    public ListStepsValidator()
    {
        this.IsPage("ordinal");
        RuleFor(r => r.Cursor).IsOrdinalCursor();
        RuleFor(r => r.Status).Must(status => status is null || StepStatus.All.Contains(status)).WithMessage($"must be one of {string.Join(", ", StepStatus.All)}");
    }
}
