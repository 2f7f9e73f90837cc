using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Common;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams.Keys;

/// <summary>Lists a team's keys, newest first; never the keys themselves.</summary>
internal sealed class ListTeamKeys(TeamKeyService keys) : Endpoint<ListTeamKeysRequest, PageResponse<TeamKeyResponse>>
{
    public override void Configure()
    {
        Get("/keys");
        Group<OwnTeamGroup>();
        Summary(s =>
        {
            s.Summary = "Lists a team's keys";
            s.Description = "Newest first, revoked and expired ones too. The keys themselves are not kept anywhere.";
            s.ResponseExamples[200] = new PageResponse<TeamKeyResponse>([TeamKeyResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListTeamKeysRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var listed = await keys.ListAsync(request.TeamId, request.Limit ?? PageQuery.LimitDefault, request.Before(), ct);
        await listed.Match(
            page => Send.OkAsync(PageResponse.Of(page, TeamKeyResponse.From), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record ListTeamKeysRequest(
    [property: RouteParam] string TeamId, [property: QueryParam] int? Limit, [property: QueryParam] string? Cursor)
{
    /// <summary>The key the page before ended with.</summary>
    public Guid? Before()
        => Cursor is not null && Core.Common.Cursor.TryDecode(Cursor, out var text) && Guid.TryParse(text, out var id) ? id : null;
}

internal sealed class ListTeamKeysValidator : Validator<ListTeamKeysRequest>
{
    public ListTeamKeysValidator()
    {
        RuleFor(r => r.Limit).InclusiveBetween(1, PageQuery.LimitMax);
        RuleFor(r => r.Cursor).Must((r, cursor) => cursor is null || r.Before() is not null).WithMessage("is not a cursor of this list");
    }
}
