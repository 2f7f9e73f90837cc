using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.ApiService.Jobs.Types;

/// <summary>What only the operator does to job types.</summary>
internal sealed class JobTypesOperatorGroup : Group
{
    public JobTypesOperatorGroup() => Configure("/api/job-types", endpoint =>
    {
        endpoint.Policies(Policies.Operator);
        endpoint.Description(d => d.WithTags("Job types").ProducesProblem(401).ProducesProblem(403).ProducesProblem(422).ProducesProblem(503));
    });
}

/// <summary>What any team may read: its jobs are priced and limited by it.</summary>
internal sealed class JobTypesGroup : Group
{
    public JobTypesGroup() => Configure("/api/job-types", endpoint =>
    {
        endpoint.Policies(Policies.TeamOrOperator);
        endpoint.Description(d => d.WithTags("Job types").ProducesProblem(401).ProducesProblem(422).ProducesProblem(503));
    });
}
