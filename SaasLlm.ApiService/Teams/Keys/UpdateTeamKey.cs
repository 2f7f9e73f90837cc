using FastEndpoints;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams.Keys;

/// <summary>Changes a key's name or limits.</summary>
internal sealed class UpdateTeamKey(TeamKeyService keys) : Endpoint<UpdateTeamKeyRequest, TeamKeyResponse>
{
    public override void Configure()
    {
        Put("/keys/{key_id}");
        Group<OwnTeamGroup>();
        Description(d => d.ProducesProblem(403));
        Summary(s =>
        {
            s.Summary = "Changes a key's name or limits";
            s.Description = "What is left out stays as it is; `limits` is replaced as a whole, so `{}` lifts them all. Every replica knows within a second. "
                + "A key's limits are within its team's, which only the operator sets. A suspended team is 403.";
            s.ExampleRequest = new("team_hr", TeamKeyResponse.Example.KeyId, "ci", LimitsBody.Example);
            s.ResponseExamples[200] = TeamKeyResponse.Example;
        });
    }

    public override async Task HandleAsync(UpdateTeamKeyRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId, isChange: true) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var updated = await keys.UpdateAsync(request.TeamId, request.KeyId, request.Name, request.Limits?.ToLimits(), ct);
        await updated.Match(
            key => Send.OkAsync(TeamKeyResponse.From(key), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record UpdateTeamKeyRequest(
    [property: RouteParam] string TeamId, [property: RouteParam] Guid KeyId, string? Name, LimitsBody? Limits);

internal sealed class UpdateTeamKeyValidator : Validator<UpdateTeamKeyRequest>
{
    public UpdateTeamKeyValidator()
    {
        RuleFor(r => r.Name).IsLine(100);
        RuleFor(r => r.Limits!).SetValidator(new LimitsRules());
    }
}
