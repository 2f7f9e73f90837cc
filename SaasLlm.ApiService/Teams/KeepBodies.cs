using System.Text.Json.Serialization;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Common;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams;

/// <summary>Sets whether, and for how long, the bodies of a team's calls are kept.</summary>
internal sealed class KeepBodies(TeamService teams, TeamReader reader) : Endpoint<KeepBodiesRequest, TeamResponse>
{
    public override void Configure()
    {
        Put("/call-bodies");
        Group<OwnTeamGroup>();
        Description(d => d.ProducesProblem(403));
        Summary(s =>
        {
            s.Summary = "Sets for how long what a team's calls ask and are answered is kept";
            s.Description = "`keep_days` from 1 to 90, or null: nothing is kept, which is so until somebody asks for it. It holds for calls from now on, on every "
                + "replica within a second; what is kept already stays for the time it was kept for. What is kept is encrypted, and is read by "
                + "`GET /api/jobs/{job_id}/calls/{call_id}/body`. Calls of submitted jobs are kept with their steps, whatever is set here.";
            s.ExampleRequest = new("team_hr", 30);
            s.ResponseExamples[200] = TeamResponse.Example with { KeepBodiesDays = 30 };
        });
    }

    public override async Task HandleAsync(KeepBodiesRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId, isChange: true) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var team = request.KeepDays.IsGiven
            ? await teams.SetKeepBodiesAsync(request.TeamId, request.KeepDays.Value, ct)
            : await reader.FindAsync(request.TeamId, ct);
        await team.Match(
            details => Send.OkAsync(TeamResponse.From(details), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="KeepDays">1 to 90; null: nothing is kept. Left out, it stays as it is.</param>
internal sealed record KeepBodiesRequest(
    [property: RouteParam] string TeamId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<int?> KeepDays);

internal sealed class KeepBodiesValidator : Validator<KeepBodiesRequest>
{
    private const int DaysMax = 90;

    public KeepBodiesValidator() => RuleFor(r => r.KeepDays.Value).InclusiveBetween(1, DaysMax).OverridePropertyName("keep_days");
}
