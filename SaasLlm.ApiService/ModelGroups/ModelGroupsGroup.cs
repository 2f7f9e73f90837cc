using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.ApiService.ModelGroups;

/// <summary>For the operator alone: what models stand behind a group is not a tenant's to know.</summary>
internal sealed class ModelGroupsGroup : Group
{
    public ModelGroupsGroup() => Configure("/api/model-groups", endpoint =>
    {
        endpoint.Policies(Policies.Operator);
        endpoint.Description(d => d.WithTags("Model groups").ProducesProblem(401).ProducesProblem(403).ProducesProblem(422).ProducesProblem(503));
    });
}
