using System.Text.Json;
using SaasLlm.Core.Organizations;

namespace SaasLlm.ApiService.Organizations;

internal sealed record OrganizationResponse(
    string OrganizationId, string Name, JsonElement Metadata, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt)
{
    public static readonly OrganizationResponse Example = new(
        "org_acme", "ACME Corporation", JsonElement.Parse("""{"plan": "enterprise"}"""),
        new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public static OrganizationResponse From(Organization organization) => new(
        organization.OrganizationId,
        organization.Name,
        JsonElement.Parse(organization.Metadata),
        organization.CreatedAt,
        organization.UpdatedAt);
}
