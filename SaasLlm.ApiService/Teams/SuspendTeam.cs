using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams;

/// <summary>Stops a team from opening jobs and making calls.</summary>
internal sealed class SuspendTeam(TeamService teams) : Endpoint<SuspendTeamRequest, TeamResponse>
{
    public override void Configure()
    {
        Put("/{team_id}/suspend");
        Group<TeamsOperatorGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Stops a team from opening jobs and making calls";
            s.Description = "Its keys may read and end jobs, and nothing else; every replica knows within a second. Open jobs keep their deadlines. Repeating it changes nothing.";
            s.ResponseExamples[200] = TeamResponse.Example;
        });
    }

    public override async Task HandleAsync(SuspendTeamRequest request, CancellationToken ct)
    {
        var updated = await teams.SetStatusAsync(request.TeamId, TeamStatus.Suspended, ct);
        await updated.Match(
            team => Send.OkAsync(TeamResponse.From(team), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record SuspendTeamRequest([property: RouteParam] string TeamId);
