using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams;

/// <summary>Lets a suspended team work again.</summary>
internal sealed class ResumeTeam(TeamService teams) : Endpoint<ResumeTeamRequest, TeamResponse>
{
    public override void Configure()
    {
        Put("/{team_id}/resume");
        Group<TeamsOperatorGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Lets a suspended team work again";
            s.Description = "Every replica knows within a second. Repeating it changes nothing.";
            s.ResponseExamples[200] = TeamResponse.Example;
        });
    }

    public override async Task HandleAsync(ResumeTeamRequest request, CancellationToken ct)
    {
        var updated = await teams.SetStatusAsync(request.TeamId, TeamStatus.Active, ct);
        await updated.Match(
            team => Send.OkAsync(TeamResponse.From(team), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record ResumeTeamRequest([property: RouteParam] string TeamId);
