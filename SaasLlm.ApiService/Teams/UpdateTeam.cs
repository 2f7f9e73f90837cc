using System.Text.Json;
using FastEndpoints;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams;

/// <summary>Changes a team's alias, metadata or limits.</summary>
internal sealed class UpdateTeam(TeamService teams) : Endpoint<UpdateTeamRequest, TeamResponse>
{
    public override void Configure()
    {
        Put("/{team_id}");
        Group<TeamsOperatorGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Changes a team";
            s.Description = "What is left out stays as it is; `metadata` and `limits` are replaced as a whole, so `\"limits\": {}` lifts them all. "
                + "Limits hold on every replica within a second, for all keys of the team together.";
            s.ExampleRequest = new("team_hr", "Human resources", TeamResponse.Example.Metadata, LimitsBody.Example);
            s.ResponseExamples[200] = TeamResponse.Example;
        });
    }

    public override async Task HandleAsync(UpdateTeamRequest request, CancellationToken ct)
    {
        var metadata = request.Metadata is { ValueKind: JsonValueKind.Object } ? MetadataRules.Text(request.Metadata) : null;
        var updated = await teams.UpdateAsync(request.TeamId, request.TeamAlias, metadata, request.Limits?.ToLimits(), ct);
        await updated.Match(
            team => Send.OkAsync(TeamResponse.From(team), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record UpdateTeamRequest([property: RouteParam] string TeamId, string? TeamAlias, JsonElement? Metadata, LimitsBody? Limits);

internal sealed class UpdateTeamValidator : Validator<UpdateTeamRequest>
{
    public UpdateTeamValidator()
    {
        RuleFor(r => r.TeamAlias).IsLine(200);
        RuleFor(r => r.Metadata).IsMetadata();
        RuleFor(r => r.Limits!).SetValidator(new LimitsRules());
    }
}
