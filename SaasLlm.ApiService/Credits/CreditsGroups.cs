using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.ApiService.Credits;

/// <summary>What only the operator does to an account.</summary>
internal sealed class CreditsOperatorGroup : Group
{
    public CreditsOperatorGroup() => Configure("/api/credits/teams/{team_id}", endpoint =>
    {
        endpoint.Policies(Policies.Operator);
        endpoint.Description(d => d.WithTags("Credits").ProducesProblem(401).ProducesProblem(403).ProducesProblem(404)
            .ProducesProblem(422).ProducesProblem(503));
    });
}

/// <summary>What a team may read of its own account.</summary>
internal sealed class OwnCreditsGroup : Group
{
    public OwnCreditsGroup() => Configure("/api/credits/teams/{team_id}", endpoint =>
    {
        endpoint.Policies(Policies.TeamOrOperator);
        endpoint.Description(d => d.WithTags("Credits").ProducesProblem(401).ProducesProblem(404).ProducesProblem(422).ProducesProblem(503));
    });
}
