using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

/// <summary>A team's month.</summary>
internal sealed class GetTeamUsage(UsageReader usage, TimeProvider time) : Endpoint<GetTeamUsageRequest, UsageResponse>
{
    public override void Configure()
    {
        Get("/usage");
        Group<OwnTeamGroup>();
        Summary(s =>
        {
            s.Summary = "Reads a team's usage of a month";
            s.Params["period"] = "A month as 2026-01, UTC; this month where it is left out.";
            s.ResponseExamples[200] = UsageResponse.Example;
        });
    }

    public override async Task HandleAsync(GetTeamUsageRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (OwnTeam.Refuse(caller, request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var period = request.Period.ToPeriod(time);
        var report = await usage.OfTeamAsync(request.TeamId, period, ct);
        await report.Match(
            month => Send.OkAsync(UsageResponse.From(request.TeamId, period, month, caller.IsOperator), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetTeamUsageRequest([property: RouteParam] string TeamId, [property: QueryParam] string? Period = null);

internal sealed class GetTeamUsageValidator : Validator<GetTeamUsageRequest>
{
    public GetTeamUsageValidator() => RuleFor(r => r.Period).IsPeriod();
}
