using System.Text.Json.Serialization;
using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Common;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Credits;

/// <summary>Reads a team's account.</summary>
internal sealed class GetBalance(TeamReader teams) : Endpoint<GetBalanceRequest, BalanceResponse>
{
    public override void Configure()
    {
        Get("/balance");
        Group<OwnCreditsGroup>();
        Summary(s =>
        {
            s.Summary = "Reads a team's balance";
            s.Description = "Remaining is allocated less used; available is remaining less what open jobs hold. "
                + "`month_used` is this calendar month's use (UTC), net of its refunds; `markup_percent` is shown to the operator only.";
            s.ResponseExamples[200] = BalanceResponse.Example;
        });
    }

    public override async Task HandleAsync(GetBalanceRequest request, CancellationToken ct)
    {
        if (OwnTeam.Refuse(HttpContext.GetCaller(), request.TeamId) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        var found = await teams.FindAsync(request.TeamId, ct);
        await found.Match(
            team => Send.OkAsync(BalanceResponse.From(team, HttpContext.GetCaller()), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetBalanceRequest([property: RouteParam] string TeamId);

/// <param name="BudgetMode"><c>job_based</c>, <c>consumption_usd</c> or <c>consumption_tokens</c>.</param>
/// <param name="MarkupPercent">Client cost = provider cost × (1 + this / 100). The operator's to know.</param>
/// <param name="CreditLimit">The most the team may use in a calendar month (UTC); null is no limit.</param>
/// <param name="MonthUsed">Use in this calendar month (UTC), net of its refunds.</param>
/// <param name="AutoRefill">What comes by itself; null where it was never set.</param>
internal sealed record BalanceResponse(
    string TeamId,
    string OrganizationId,
    decimal CreditsAllocated,
    decimal CreditsUsed,
    decimal CreditsHeld,
    decimal CreditsRemaining,
    decimal CreditsAvailable,
    string BudgetMode,
    decimal CreditsPerJob,
    decimal CreditsPerDollar,
    long TokensPerCredit,
    decimal CreditIncrement,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<decimal> MarkupPercent,
    decimal? CreditLimit,
    decimal MonthUsed,
    AutoRefillResponse? AutoRefill,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt)
{
    public static readonly BalanceResponse Example = new(
        "team_hr", "org_acme", 150, 1, 0, 149, 149, "job_based", 1, 10, 10_000, 1, 20m, null, 1, AutoRefillResponse.Example,
        new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public static BalanceResponse From(TeamDetails details, Caller caller)
    {
        var (team, account, _, now) = details;
        return new(
            team.TeamId,
            team.OrganizationId,
            account.Allocated,
            account.Used,
            account.Held,
            account.Allocated - account.Used,
            account.Allocated - account.Used - account.Held,
            account.BudgetMode,
            account.CreditsPerJob,
            account.CreditsPerDollar,
            account.TokensPerCredit,
            account.CreditIncrement,
            caller.IsOperator ? account.MarkupPercent : default(Optional<decimal>),
            account.CreditLimit,
            account.MonthUsedAt(now),
            details.Refill is { } refill ? AutoRefillResponse.From(refill, caller.IsOperator) : null,
            account.CreatedAt,
            account.UpdatedAt);
    }
}
