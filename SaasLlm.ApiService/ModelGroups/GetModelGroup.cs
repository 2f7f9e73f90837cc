using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.ModelGroups;

/// <summary>Reads a model group.</summary>
internal sealed class GetModelGroup(ModelGroupService groups) : Endpoint<GetModelGroupRequest, ModelGroupResponse>
{
    public override void Configure()
    {
        Get("/{group_name}");
        Group<ModelGroupsGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Reads a model group";
            s.ResponseExamples[200] = ModelGroupResponse.Example;
        });
    }

    public override async Task HandleAsync(GetModelGroupRequest request, CancellationToken ct)
    {
        var found = await groups.FindAsync(request.GroupName, ct);
        await found.Match(
            group => Send.OkAsync(ModelGroupResponse.From(group), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetModelGroupRequest([property: RouteParam] string GroupName);
