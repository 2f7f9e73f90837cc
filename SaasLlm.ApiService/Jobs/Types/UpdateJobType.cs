using System.Text.Json.Serialization;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs.Types;

/// <summary>Changes a job type.</summary>
internal sealed class UpdateJobType(JobTypeService types) : Endpoint<UpdateJobTypeRequest, JobTypeResponse>
{
    public override void Configure()
    {
        Put("/{name}");
        Group<JobTypesOperatorGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Changes a job type";
            s.Description = "What is left out stays as it is; null is as for all. Every replica uses the change within a second; "
                + "jobs that are open keep what they opened with.";
            s.ExampleRequest = new("resume_analysis", null, 3m, 900, 20, new(null));
            s.ResponseExamples[200] = JobTypeResponse.Example with { Price = 3, MaxCostUsd = null };
        });
    }

    public override async Task HandleAsync(UpdateJobTypeRequest request, CancellationToken ct)
    {
        var updated = await types.UpdateAsync(
            request.Name, new(request.Description, request.Price, request.LifetimeSeconds, request.MaxCalls, request.MaxCostUsd), ct);
        await updated.Match(
            type => Send.OkAsync(JobTypeResponse.From(type), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record UpdateJobTypeRequest(
    [property: RouteParam] string Name,
    string? Description,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<decimal?> Price,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<int?> LifetimeSeconds,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<int?> MaxCalls,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<decimal?> MaxCostUsd);

internal sealed class UpdateJobTypeValidator : Validator<UpdateJobTypeRequest>
{
    public UpdateJobTypeValidator()
    {
        RuleFor(r => r.Description).MaximumLength(2000);
        RuleFor(r => r.Price.Value).IsCredits().OverridePropertyName("price");
        RuleFor(r => r.LifetimeSeconds.Value).IsLifetime().OverridePropertyName("lifetime_seconds");
        RuleFor(r => r.MaxCalls.Value).IsCallLimit().OverridePropertyName("max_calls");
        RuleFor(r => r.MaxCostUsd.Value).IsUsdLimit().OverridePropertyName("max_cost_usd");
    }
}
