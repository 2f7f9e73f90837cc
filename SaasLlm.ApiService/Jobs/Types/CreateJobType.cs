using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs.Types;

/// <summary>Makes a job type.</summary>
internal sealed class CreateJobType(JobTypeService types, TimeProvider time) : Endpoint<CreateJobTypeRequest, JobTypeResponse>
{
    public override void Configure()
    {
        Post("/create");
        Group<JobTypesOperatorGroup>();
        Description(d => d.ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Makes a job type";
            s.Description = "Jobs that open with this `job_type` get its price, deadline and limits; what is left out or null is as for all. "
                + "A type need not be made: jobs of any other name get what all get.";
            s.ExampleRequest = new("resume_analysis", "Reads and scores a resume", 2.5m, 900, 20, 0.5m);
            s.ResponseExamples[200] = JobTypeResponse.Example;
        });
    }

    public override async Task HandleAsync(CreateJobTypeRequest request, CancellationToken ct)
    {
        var created = await types.CreateAsync(request.ToType(), HttpContext.GetWork(time), ct);
        await created.Match(
            type => Send.OkAsync(JobTypeResponse.From(type), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="Price">Credits, in <c>job_based</c> teams.</param>
/// <param name="LifetimeSeconds">From opening to expiry.</param>
/// <param name="MaxCostUsd">The most a job's calls may cost the client together.</param>
internal sealed record CreateJobTypeRequest(
    string? Name,
    string? Description = null,
    decimal? Price = null,
    int? LifetimeSeconds = null,
    int? MaxCalls = null,
    decimal? MaxCostUsd = null)
{
    public JobType ToType() => new()
    {
        Name = Name!,
        Description = Description ?? "",
        Price = Price,
        LifetimeSeconds = LifetimeSeconds,
        MaxCalls = MaxCalls,
        MaxCostUsd = MaxCostUsd,
    };
}

internal sealed class CreateJobTypeValidator : Validator<CreateJobTypeRequest>
{
    public CreateJobTypeValidator()
    {
        RuleFor(r => r.Name).Must(Names.IsGroupName).WithMessage("must match ^[A-Za-z0-9._-]{1,64}$");
        RuleFor(r => r.Description).MaximumLength(2000);
        RuleFor(r => r.Price).IsCredits();
        RuleFor(r => r.LifetimeSeconds).IsLifetime();
        RuleFor(r => r.MaxCalls).IsCallLimit();
        RuleFor(r => r.MaxCostUsd).IsUsdLimit();
    }
}
