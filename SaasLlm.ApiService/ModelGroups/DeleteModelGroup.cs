using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.ModelGroups;

/// <summary>Deletes a model group, and with it every team's permission to use it.</summary>
internal sealed class DeleteModelGroup(ModelGroupService groups) : Endpoint<DeleteModelGroupRequest>
{
    public override void Configure()
    {
        Delete("/{group_name}");
        Group<ModelGroupsGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Deletes a model group";
            s.Description = "Teams lose it at once; calls that run end as they would have.";
        });
    }

    public override async Task HandleAsync(DeleteModelGroupRequest request, CancellationToken ct)
    {
        var deleted = await groups.DeleteAsync(request.GroupName, ct);
        await deleted.Match(_ => Send.NoContentAsync(ct), failure => Send.FailureAsync(failure));
    }
}

internal sealed record DeleteModelGroupRequest([property: RouteParam] string GroupName);
