using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs.Types;

/// <summary>Deletes a job type.</summary>
internal sealed class DeleteJobType(JobTypeService types) : Endpoint<DeleteJobTypeRequest>
{
    public override void Configure()
    {
        Delete("/{name}");
        Group<JobTypesOperatorGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Deletes a job type";
            s.Description = "Jobs of that name get what all get from then on; those that are open keep what they opened with.";
        });
    }

    public override async Task HandleAsync(DeleteJobTypeRequest request, CancellationToken ct)
    {
        var deleted = await types.DeleteAsync(request.Name, ct);
        await deleted.Match(_ => Send.NoContentAsync(ct), failure => Send.FailureAsync(failure));
    }
}

internal sealed record DeleteJobTypeRequest([property: RouteParam] string Name);
