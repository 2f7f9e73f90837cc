using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Organizations;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Organizations;

/// <summary>Lists the teams of an organization by id.</summary>
internal sealed class ListOrganizationTeams(OrganizationService organizations, TeamReader teams)
    : Endpoint<ListOrganizationTeamsRequest, PageResponse<TeamResponse>>
{
    public override void Configure()
    {
        Get("/{organization_id}/teams");
        Group<OrganizationsGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Lists an organization's teams";
            s.Params["sort"] = "team_id or -team_id";
            s.ResponseExamples[200] = new PageResponse<TeamResponse>([TeamResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListOrganizationTeamsRequest request, CancellationToken ct)
    {
        if ((await organizations.FindAsync(request.OrganizationId, ct)).Failure is { } failure)
        {
            await Send.FailureAsync(failure);
            return;
        }

        var page = await teams.ListAsync(request.ToQuery(), new(request.OrganizationId), ct);
        await Send.OkAsync(PageResponse.Of(page, TeamResponse.From), ct);
    }
}

internal sealed record ListOrganizationTeamsRequest(
    [property: RouteParam] string OrganizationId,
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort) : IPageRequest;

internal sealed class ListOrganizationTeamsValidator : Validator<ListOrganizationTeamsRequest>
{
    public ListOrganizationTeamsValidator() => this.IsPage("team_id");
}
