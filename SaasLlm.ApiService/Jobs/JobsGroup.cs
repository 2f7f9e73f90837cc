using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.ApiService.Jobs;

/// <summary>A team's own jobs; the operator acts for any team.</summary>
internal sealed class JobsGroup : Group
{
    public JobsGroup() => Configure("/api/jobs", endpoint =>
    {
        endpoint.Policies(Policies.TeamOrOperator);
        endpoint.Description(d => d.WithTags("Jobs").ProducesProblem(401).ProducesProblem(404).ProducesProblem(422).ProducesProblem(503));
    });
}

/// <summary>What only the operator sees of a job.</summary>
internal sealed class JobsOperatorGroup : Group
{
    public JobsOperatorGroup() => Configure("/api/jobs", endpoint =>
    {
        endpoint.Policies(Policies.Operator);
        endpoint.Description(d => d.WithTags("Jobs").ProducesProblem(401).ProducesProblem(403).ProducesProblem(404).ProducesProblem(503));
    });
}
