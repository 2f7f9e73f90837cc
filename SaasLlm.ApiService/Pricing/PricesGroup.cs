using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;

namespace SaasLlm.ApiService.Pricing;

/// <summary>What models cost is the operator's to know.</summary>
internal sealed class PricesGroup : Group
{
    public PricesGroup() => Configure("/api/prices", endpoint =>
    {
        endpoint.Policies(Policies.Operator);
        endpoint.Description(d => d.WithTags("Prices").ProducesProblem(401).ProducesProblem(403).ProducesProblem(422).ProducesProblem(503));
    });
}
