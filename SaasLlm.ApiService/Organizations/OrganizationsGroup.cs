using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.ApiService.Organizations;

internal sealed class OrganizationsGroup : Group
{
    public OrganizationsGroup() => Configure("/api/organizations", endpoint =>
    {
        endpoint.Policies(Policies.Operator);
        endpoint.Description(d => d.WithTags("Organizations").ProducesProblem(401).ProducesProblem(403).ProducesProblem(422).ProducesProblem(503));
    });
}
