using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.ApiService.Teams;

/// <summary>What only the operator does to teams.</summary>
internal sealed class TeamsOperatorGroup : Group
{
    public TeamsOperatorGroup() => Configure("/api/teams", endpoint =>
    {
        endpoint.Policies(Policies.Operator);
        endpoint.Description(d => d.WithTags("Teams").ProducesProblem(401).ProducesProblem(403).ProducesProblem(422).ProducesProblem(503));
    });
}

/// <summary>What a team may do for itself: read itself, and look after its keys.</summary>
internal sealed class OwnTeamGroup : Group
{
    public OwnTeamGroup() => Configure("/api/teams/{team_id}", endpoint =>
    {
        endpoint.Policies(Policies.TeamOrOperator);
        endpoint.Description(d => d.WithTags("Teams").ProducesProblem(401).ProducesProblem(404).ProducesProblem(422).ProducesProblem(503));
    });
}
