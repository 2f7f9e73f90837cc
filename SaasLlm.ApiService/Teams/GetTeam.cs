using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams;

/// <summary>Reads a team.</summary>
internal sealed class GetTeam(TeamReader teams) : Endpoint<GetTeamRequest, TeamResponse>
{
    public override void Configure()
    {
        Get("");
        Group<OwnTeamGroup>();
        Summary(s =>
        {
            s.Summary = "Reads a team";
            s.ResponseExamples[200] = TeamResponse.Example;
        });
    }

    public override async Task HandleAsync(GetTeamRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var found = await teams.FindAsync(request.TeamId, ct);
        await found.Match(
            team => Send.OkAsync(TeamResponse.From(team), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetTeamRequest([property: RouteParam] string TeamId);
