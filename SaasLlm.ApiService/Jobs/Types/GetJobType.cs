using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs.Types;

/// <summary>Reads a job type.</summary>
internal sealed class GetJobType(JobTypeService types) : Endpoint<GetJobTypeRequest, JobTypeResponse>
{
    public override void Configure()
    {
        Get("/{name}");
        Group<JobTypesGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Reads a job type";
            s.ResponseExamples[200] = JobTypeResponse.Example;
        });
    }

    public override async Task HandleAsync(GetJobTypeRequest request, CancellationToken ct)
    {
        var found = await types.FindAsync(request.Name, ct);
        await found.Match(
            type => Send.OkAsync(JobTypeResponse.From(type), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetJobTypeRequest([property: RouteParam] string Name);
