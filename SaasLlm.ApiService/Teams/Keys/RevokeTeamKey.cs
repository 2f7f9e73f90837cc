using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams.Keys;

/// <summary>Revokes a key.</summary>
internal sealed class RevokeTeamKey(TeamKeyService keys) : Endpoint<RevokeTeamKeyRequest>
{
    public override void Configure()
    {
        Delete("/keys/{key_id}");
        Group<OwnTeamGroup>();
        Summary(s =>
        {
            s.Summary = "Revokes a key";
            s.Description = "Every replica refuses it within a second. Revoking it again changes nothing. "
                + "A suspended team may still revoke: a key that leaked must be stoppable.";
        });
    }

    public override async Task HandleAsync(RevokeTeamKeyRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var revoked = await keys.RevokeAsync(request.TeamId, request.KeyId, ct);
        await revoked.Match(_ => Send.NoContentAsync(ct), failure => Send.FailureAsync(failure));
    }
}

internal sealed record RevokeTeamKeyRequest([property: RouteParam] string TeamId, [property: RouteParam] Guid KeyId);
