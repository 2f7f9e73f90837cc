using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.ApiService.Credits.Reconciliation;

/// <summary>Whether the books agree is the operator's to know.</summary>
internal sealed class ReconciliationGroup : Group
{
    public ReconciliationGroup() => Configure("/api/admin/reconciliation", endpoint =>
    {
        endpoint.Policies(Policies.Operator);
        endpoint.Description(d => d.WithTags("Reconciliation").ProducesProblem(401).ProducesProblem(403).ProducesProblem(422).ProducesProblem(503));
    });
}
