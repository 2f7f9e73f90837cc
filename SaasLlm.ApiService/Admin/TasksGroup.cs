using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.ApiService.Admin;

/// <summary>What runs in the background is the operator's to know.</summary>
internal sealed class TasksGroup : Group
{
    public TasksGroup() => Configure("/api/admin/tasks", endpoint =>
    {
        endpoint.Policies(Policies.Operator);
        endpoint.Description(d => d.WithTags("Tasks").ProducesProblem(401).ProducesProblem(403).ProducesProblem(503));
    });
}
