using FastEndpoints;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Teams;
using SaasLlm.Core.Common;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

/// <summary>What a team used.</summary>
internal sealed class GetTeamUsage(UsageReader usage, TimeProvider time) : Endpoint<GetTeamUsageRequest, UsageResponse>
{
    private static readonly Failure s_operatorsOnly = new(FailureKind.Forbidden, "access.forbidden", "Only the operator sees models.");

    public override void Configure()
    {
        Get("/usage");
        Group<OwnTeamGroup>();
        Description(d => d.ProducesProblem(403));
        Summary(s =>
        {
            s.Summary = "Reads a team's usage";
            s.Description = "Of a month, or of the hours from `from` until `until`; with `group_by` also by what is named there. The sums are those of the ledger at every moment.";
            UsageRequests.Describe(s.Params, UsageDimension.OfTenants);
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

        if (!(await usage.TeamAsync(request.TeamId, ct)).TryGet(out var teams, out var unknown))
        {
            await Send.FailureAsync(unknown);
            return;
        }

        var query = request.ToQuery(time, teams);
        if (query.GroupBy.Contains(UsageDimension.Model) && !caller.IsOperator)
        {
            await Send.FailureAsync(s_operatorsOnly);
            return;
        }

        await Send.UsageAsync(request, request.TeamId, query, caller.IsOperator, usage, time, ct);
    }
}

internal sealed record GetTeamUsageRequest(
    [property: RouteParam] string TeamId,
    [property: QueryParam] string? Period = null,
    [property: QueryParam] string? From = null,
    [property: QueryParam] string? Until = null,
    [property: QueryParam] string? GroupBy = null,
    [property: QueryParam] string? ModelGroup = null,
    [property: QueryParam] string? JobType = null,
    [property: QueryParam] string? UserId = null,
    [property: QueryParam] int? Limit = null,
    [property: QueryParam] string? Cursor = null,
    [property: QueryParam] string? Format = null) : IUsageRequest;

internal sealed class GetTeamUsageValidator : Validator<GetTeamUsageRequest>
{
    public GetTeamUsageValidator(TimeProvider time) => this.IsUsage(UsageDimension.All, time);
}
