using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams;

/// <summary>Lists teams by id.</summary>
internal sealed class ListTeams(TeamReader teams) : Endpoint<ListTeamsRequest, PageResponse<TeamResponse>>
{
    public override void Configure()
    {
        Get("");
        Group<TeamsOperatorGroup>();
        Summary(s =>
        {
            s.Summary = "Lists teams";
            s.Params["organization_id"] = "Only this organization's.";
            s.Params["status"] = "active or suspended";
            s.Params["model_group"] = "Only those that may use this group.";
            s.Params["sort"] = "team_id or -team_id";
            s.ResponseExamples[200] = new PageResponse<TeamResponse>([TeamResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListTeamsRequest request, CancellationToken ct)
    {
        var page = await teams.ListAsync(request.ToQuery(), new(request.OrganizationId, request.Status, request.ModelGroup), ct);
        await Send.OkAsync(PageResponse.Of(page, TeamResponse.From), ct);
    }
}

internal sealed record ListTeamsRequest(
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort,
    [property: QueryParam] string? OrganizationId,
    [property: QueryParam] string? Status,
    [property: QueryParam] string? ModelGroup) : IPageRequest;

internal sealed class ListTeamsValidator : Validator<ListTeamsRequest>
{
    public ListTeamsValidator()
    {
        this.IsPage("team_id");
        RuleFor(r => r.Status).Must(status => status is null or TeamStatus.Active or TeamStatus.Suspended)
            .WithMessage("must be active or suspended");
    }
}
