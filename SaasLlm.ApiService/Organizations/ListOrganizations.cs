using FastEndpoints;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Organizations;

namespace SaasLlm.ApiService.Organizations;

/// <summary>Lists organizations by id.</summary>
internal sealed class ListOrganizations(OrganizationService organizations)
    : Endpoint<ListOrganizationsRequest, PageResponse<OrganizationResponse>>
{
    public override void Configure()
    {
        Get("");
        Group<OrganizationsGroup>();
        Summary(s =>
        {
            s.Summary = "Lists organizations";
            s.Params["name"] = "Only those with this in their names, whatever its case.";
            s.Params["sort"] = "organization_id or -organization_id";
            s.ResponseExamples[200] = new PageResponse<OrganizationResponse>([OrganizationResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListOrganizationsRequest request, CancellationToken ct)
    {
        var page = await organizations.ListAsync(request.ToQuery(), request.Name, ct);
        await Send.OkAsync(PageResponse.Of(page, OrganizationResponse.From), ct);
    }
}

internal sealed record ListOrganizationsRequest(
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort,
    [property: QueryParam] string? Name) : IPageRequest;

internal sealed class ListOrganizationsValidator : Validator<ListOrganizationsRequest>
{
    public ListOrganizationsValidator()
    {
        this.IsPage("organization_id");
        RuleFor(r => r.Name).IsLine(200);
    }
}
