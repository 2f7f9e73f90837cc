using System.Text.Json.Serialization;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Credits;

/// <summary>Sets where a team's account is worth an event.</summary>
internal sealed class SetThresholds(ILedger ledger, TeamReader teams) : Endpoint<SetThresholdsRequest, ThresholdsResponse>
{
    private static readonly Failure s_operatorsOnly = new(
        FailureKind.Forbidden, "access.forbidden", "Only the operator sets uncharged_usd.");

    public override void Configure()
    {
        Put("/thresholds");
        Group<OwnCreditsGroup>();
        Description(d => d.ProducesProblem(403));
        Summary(s =>
        {
            s.Summary = "Sets a team's thresholds";
            s.Description = "What is left out stays as it is; `low_credits` is replaced as a whole. `credits.low` goes out once for each level that "
                + "remaining credits fall to, `credits.recovered` once for each they rise above. `uncharged_usd` is the operator's to set: "
                + "`team.uncharged_cost` goes out when the client cost of a month's jobs that were not charged passes it; null is never.";
            s.ExampleRequest = new("team_hr", [100, 20], 5m);
            s.ResponseExamples[200] = ThresholdsResponse.Example;
        });
    }

    public override async Task HandleAsync(SetThresholdsRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if ((OwnTeam.Refuse(caller, request.TeamId, isChange: true)
             ?? (request.UnchargedUsd.IsGiven && !caller.IsOperator ? s_operatorsOnly : null)
             ?? (await ledger.ConfigureAccountAsync(new(request.TeamId, Thresholds: request.Thresholds()), ct)).Failure) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var found = await teams.FindAsync(request.TeamId, ct);
        await found.Match(
            team => Send.OkAsync(ThresholdsResponse.From(team.Account, caller), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="LowCredits">Levels of remaining credits, at most twenty.</param>
/// <param name="UnchargedUsd">What a month's jobs may cost that were not charged; null is no event.</param>
internal sealed record SetThresholdsRequest(
    [property: RouteParam] string TeamId,
    List<decimal>? LowCredits,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<decimal?> UnchargedUsd)
{
    public Thresholds Thresholds() => new(LowCredits, UnchargedUsd.IsGiven ? new(UnchargedUsd.Value) : null);
}

internal sealed class SetThresholdsValidator : Validator<SetThresholdsRequest>
{
    private const int LevelsMax = 20;

    public SetThresholdsValidator()
    {
        RuleFor(r => r.LowCredits).Must(levels => levels is null || levels.Count <= LevelsMax).WithMessage($"must be at most {LevelsMax}");
        RuleFor(r => r.LowCredits).Must(levels => levels is null || levels.Distinct().Count() == levels.Count).WithMessage("a level is there twice");
        RuleFor(r => r.LowCredits).Must(levels => levels is null || levels.All(level => level is >= 0 and <= Money.CreditsMax && Money.IsExactCredits(level)))
            .WithMessage($"each must be from 0 to {Money.CreditsMax}, with at most six decimal places");
        RuleFor(r => r.UnchargedUsd.Value).IsUsdLimit().OverridePropertyName("uncharged_usd");
    }
}
