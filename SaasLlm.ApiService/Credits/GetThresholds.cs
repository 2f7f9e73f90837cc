using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Credits;

/// <summary>Reads where a team's account is worth an event.</summary>
internal sealed class GetThresholds(TeamReader teams) : Endpoint<GetThresholdsRequest, ThresholdsResponse>
{
    public override void Configure()
    {
        Get("/thresholds");
        Group<OwnCreditsGroup>();
        Summary(s =>
        {
            s.Summary = "Reads a team's thresholds";
            s.ResponseExamples[200] = ThresholdsResponse.Example;
        });
    }

    public override async Task HandleAsync(GetThresholdsRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (OwnTeam.Refuse(caller, request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var found = await teams.FindAsync(request.TeamId, ct);
        await found.Match(
            team => Send.OkAsync(ThresholdsResponse.From(team.Account, caller), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetThresholdsRequest([property: RouteParam] string TeamId);
