using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.ModelGroups;

/// <summary>Says what a group means for a team now.</summary>
internal sealed class ResolveModelGroup(IModelGroupResolver resolver) : Endpoint<ResolveModelGroupRequest, ResolveModelGroupResponse>
{
    public override void Configure()
    {
        Get("/{group_name}/resolve");
        Group<ModelGroupsGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Says which models a team's call would use";
            s.Description = "As a call resolves it: 404 where the group is not there, not active, or not granted to the team.";
            s.Params["team_id"] = "The team that would call.";
            s.ResponseExamples[200] = new ResolveModelGroupResponse(
                "ResumeAgent", "team_hr", "chat", "gpt-4-turbo", ["gpt-3.5-turbo"], ["gpt-4-turbo", "gpt-3.5-turbo"]);
        });
    }

    public override async Task HandleAsync(ResolveModelGroupRequest request, CancellationToken ct)
    {
        var resolved = await resolver.ResolveAsync(request.TeamId!, request.GroupName, ct);
        await resolved.Match(
            group => Send.OkAsync(ResolveModelGroupResponse.From(request.TeamId!, group), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record ResolveModelGroupRequest([property: RouteParam] string GroupName, [property: QueryParam] string? TeamId);

/// <param name="Models">All of them, in the order they are tried.</param>
internal sealed record ResolveModelGroupResponse(
    string GroupName, string TeamId, string Kind, string PrimaryModel, IReadOnlyList<string> Fallbacks, IReadOnlyList<string> Models)
{
    public static ResolveModelGroupResponse From(string teamId, ResolvedModelGroup group)
    {
        string[] names = [.. group.Models.Select(model => model.Name)];
        return new(group.GroupName, teamId, group.Kind, names[0], names[1..], names);
    }
}

internal sealed class ResolveModelGroupValidator : Validator<ResolveModelGroupRequest>
{
    public ResolveModelGroupValidator() => RuleFor(r => r.TeamId).NotEmpty();
}
