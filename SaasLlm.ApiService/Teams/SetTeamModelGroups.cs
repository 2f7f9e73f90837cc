using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams;

/// <summary>Replaces the groups a team may use.</summary>
internal sealed class SetTeamModelGroups(TeamService teams) : Endpoint<List<string>, TeamResponse>
{
    public override void Configure()
    {
        Put("/{team_id}/model-groups");
        Group<TeamsOperatorGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Replaces the groups a team may use";
            s.Description = "The body is the bare array of names; an empty one takes all away. Every replica knows within a second. "
                + "A name that is not there is 404, and nothing changes.";
            s.ExampleRequest = ["ResumeAgent", "ParsingAgent"];
            s.ResponseExamples[200] = TeamResponse.Example;
        });
    }

    public override async Task HandleAsync(List<string> request, CancellationToken ct)
    {
        var updated = await teams.SetModelGroupsAsync(Route<string>("team_id")!, request, ct);
        await updated.Match(
            team => Send.OkAsync(TeamResponse.From(team), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed class SetTeamModelGroupsValidator : Validator<List<string>>
{
    public SetTeamModelGroupsValidator() => RuleFor(names => names).AreGroupNames().OverridePropertyName("model_groups");
}
