using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams.Keys;

/// <summary>Puts a new key in the place of an old one, which is accepted for a while longer.</summary>
internal sealed class RotateTeamKey(TeamKeyService keys, TimeProvider time) : Endpoint<RotateTeamKeyRequest, IssuedTeamKeyResponse>
{
    private const int OverlapSecondsDefault = 3600;

    public override void Configure()
    {
        Post("/keys/{key_id}/rotate");
        Group<OwnTeamGroup>();
        // The body may be left out.
        Description(d => d.Accepts<RotateTeamKeyRequest>("application/json", "*/*").ProducesProblem(403).ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Replaces a key, with an overlap";
            s.Description = "The new key has the old one's name and length of life. The old one is accepted for `overlap_seconds` more "
                + "(an hour where it is left out; 0 ends it at once). One that is revoked, expired or already replaced is 409.";
            s.ExampleRequest = new("team_hr", TeamKeyResponse.Example.KeyId, OverlapSecondsDefault);
            s.ResponseExamples[200] = IssuedTeamKeyResponse.Example;
        });
    }

    public override async Task HandleAsync(RotateTeamKeyRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId, isChange: true) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var overlap = TimeSpan.FromSeconds(request.OverlapSeconds ?? OverlapSecondsDefault);
        var issued = await keys.RotateAsync(request.TeamId, request.KeyId, overlap, ct, HttpContext.GetWork(time));
        await issued.Match(
            key => Send.OkAsync(IssuedTeamKeyResponse.From(key), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="OverlapSeconds">0 to 30 days.</param>
internal sealed record RotateTeamKeyRequest([property: RouteParam] string TeamId, [property: RouteParam] Guid KeyId, int? OverlapSeconds);

internal sealed class RotateTeamKeyValidator : Validator<RotateTeamKeyRequest>
{
    public RotateTeamKeyValidator() => RuleFor(r => r.OverlapSeconds).InclusiveBetween(0, 30 * 24 * 3600);
}
