using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Organizations;

namespace SaasLlm.ApiService.Organizations;

/// <summary>Reads an organization.</summary>
internal sealed class GetOrganization(OrganizationService organizations) : Endpoint<GetOrganizationRequest, OrganizationResponse>
{
    public override void Configure()
    {
        Get("/{organization_id}");
        Group<OrganizationsGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Reads an organization";
            s.ResponseExamples[200] = OrganizationResponse.Example;
        });
    }

    public override async Task HandleAsync(GetOrganizationRequest request, CancellationToken ct)
    {
        var found = await organizations.FindAsync(request.OrganizationId, ct);
        await found.Match(
            organization => Send.OkAsync(OrganizationResponse.From(organization), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetOrganizationRequest([property: RouteParam] string OrganizationId);
