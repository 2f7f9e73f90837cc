using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Common;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Credits;

/// <summary>Says whether a team could pay now. It promises nothing: only opening a job holds credits.</summary>
internal sealed class CheckCredits(TeamReader teams) : Endpoint<CheckCreditsRequest, CheckCreditsResponse>
{
    public override void Configure()
    {
        Post("/check");
        Group<OwnCreditsGroup>();
        Summary(s =>
        {
            s.Summary = "Says whether a team could pay";
            s.Description = "200 either way; `has_credits` says. It promises nothing: only opening a job holds credits.";
            s.Params["credits_needed"] = "1 where it is left out.";
            s.ResponseExamples[200] = new CheckCreditsResponse("team_hr", true, 5, 149, 149);
        });
    }

    public override async Task HandleAsync(CheckCreditsRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var found = await teams.FindAsync(request.TeamId, ct);
        await found.Match(
            team => Send.OkAsync(CheckCreditsResponse.From(team, request.CreditsNeeded ?? 1), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record CheckCreditsRequest([property: RouteParam] string TeamId, [property: QueryParam] decimal? CreditsNeeded);

internal sealed record CheckCreditsResponse(
    string TeamId, bool HasCredits, decimal CreditsNeeded, decimal CreditsAvailable, decimal CreditsRemaining)
{
    public static CheckCreditsResponse From(TeamDetails details, decimal needed)
    {
        var remaining = details.Account.Allocated - details.Account.Used;
        var available = remaining - details.Account.Held;
        return new(details.Team.TeamId, available >= needed, needed, available, remaining);
    }
}

internal sealed class CheckCreditsValidator : Validator<CheckCreditsRequest>
{
    public CheckCreditsValidator()
    {
        RuleFor(r => r.CreditsNeeded).InclusiveBetween(0, Money.CreditsMax);
        RuleFor(r => r.CreditsNeeded).Must(credits => credits is not { } value || Money.IsExactCredits(value))
            .WithMessage("must have at most six decimal places");
    }
}
