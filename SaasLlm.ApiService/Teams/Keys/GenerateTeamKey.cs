using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams.Keys;

/// <summary>Makes a further key for a team.</summary>
internal sealed class GenerateTeamKey(TeamKeyService keys, TimeProvider time) : Endpoint<GenerateTeamKeyRequest, IssuedTeamKeyResponse>
{
    public override void Configure()
    {
        Post("/keys/generate");
        Group<OwnTeamGroup>();
        // The body may be left out.
        Description(d => d.Accepts<GenerateTeamKeyRequest>("application/json", "*/*").ProducesProblem(403).ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Makes a further key";
            s.Description = "`virtual_key` is shown in this answer and never again. The end of its life is `expires_at` or "
                + "`expires_in_seconds`; without one the key does not expire. `limits` bound this key within its team's. A suspended team is 403.";
            s.ExampleRequest = new("team_hr", "ci", null, 2_592_000, new(null, null, 5));
            s.ResponseExamples[200] = IssuedTeamKeyResponse.Example;
        });
    }

    public override async Task HandleAsync(GenerateTeamKeyRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId, isChange: true) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var life = request.ExpiresInSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : request.ExpiresAt - time.GetUtcNow();
        if (life <= TimeSpan.Zero || life > GenerateTeamKeyValidator.LifeMax)
        {
            ThrowError(r => r.ExpiresAt, "must be in the future, and at most ten years away");
        }

        var issued = await keys.GenerateAsync(request.TeamId, request.Name ?? "default", life, request.Limits?.ToLimits() ?? default, ct, HttpContext.GetWork(time));
        await issued.Match(
            key => Send.OkAsync(IssuedTeamKeyResponse.From(key), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="ExpiresInSeconds">Instead of <c>expires_at</c>; at most ten years.</param>
internal sealed record GenerateTeamKeyRequest(
    [property: RouteParam] string TeamId, string? Name, DateTimeOffset? ExpiresAt, int? ExpiresInSeconds, LimitsBody? Limits);

internal sealed class GenerateTeamKeyValidator : Validator<GenerateTeamKeyRequest>
{
    public static readonly TimeSpan LifeMax = TimeSpan.FromDays(3660);

    public GenerateTeamKeyValidator()
    {
        RuleFor(r => r.Name).IsLine(100);
        RuleFor(r => r.ExpiresInSeconds).InclusiveBetween(1, (int)LifeMax.TotalSeconds);
        RuleFor(r => r.ExpiresAt).Null().When(r => r.ExpiresInSeconds is not null).WithMessage("give expires_at or expires_in_seconds, not both");
        RuleFor(r => r.Limits!).SetValidator(new LimitsRules());
    }
}
