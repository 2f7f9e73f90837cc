using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Reconciliation;

namespace SaasLlm.ApiService.Credits.Reconciliation;

/// <summary>Says whether the books agree.</summary>
internal sealed class GetReconciliation(IReconciliation reconciliation) : Endpoint<GetReconciliationRequest, ReconciliationResponse>
{
    public override void Configure()
    {
        Get("");
        Group<ReconciliationGroup>();
        Summary(s =>
        {
            s.Summary = "Reads the reconciliation report";
            s.Description = "Accounts, transactions, lots, jobs and Redis are held against each other, team by team, every hour and when asked. "
                + "A difference inside Postgres is reported until a later check finds it gone; what differs in Redis is put right.";
            s.Params["team_id"] = "Only this team's differences.";
            s.Params["kind"] = string.Join(", ", DifferenceKind.InPostgres);
            s.Params["sort"] = "-first_seen (newest first, where it is left out) or first_seen";
            s.ResponseExamples[200] = new ReconciliationResponse(
                ReconciliationRunResponse.Example, null, 1200, 1, new([StandingDifferenceResponse.Example], null));
        });
    }

    public override async Task HandleAsync(GetReconciliationRequest request, CancellationToken ct)
    {
        var status = await reconciliation.StatusAsync(ct);
        var page = await reconciliation.DifferencesAsync(request.ToQuery(descendingByDefault: true), request.TeamId, request.Kind, ct);
        await Send.OkAsync(
            new(
                status.Last is { } last ? ReconciliationRunResponse.From(last) : null,
                status.Current is { } current ? ReconciliationRunResponse.From(current) : null,
                status.TeamsTotal,
                status.Standing,
                PageResponse.Of(page, StandingDifferenceResponse.From)),
            ct);
    }
}

internal sealed record GetReconciliationRequest(
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort,
    [property: QueryParam] string? TeamId,
    [property: QueryParam] string? Kind) : IPageRequest;

/// <param name="LastRun">The last complete run; null while there was none.</param>
/// <param name="CurrentRun">The run that waits or is under way.</param>
/// <param name="TeamsTotal">How many teams a run checks now.</param>
/// <param name="StandingDifferences">All of them, whatever the page shows.</param>
internal sealed record ReconciliationResponse(
    ReconciliationRunResponse? LastRun,
    ReconciliationRunResponse? CurrentRun,
    long TeamsTotal,
    long StandingDifferences,
    PageResponse<StandingDifferenceResponse> Differences);

internal sealed class GetReconciliationValidator : Validator<GetReconciliationRequest>
{
    public GetReconciliationValidator()
    {
        this.IsPage("first_seen");
        RuleFor(r => r.Cursor).IsIdCursor();
        RuleFor(r => r.TeamId).Must(id => id is null || Names.IsTenantId(id)).WithMessage("must match ^[A-Za-z0-9_-]{1,64}$");
        RuleFor(r => r.Kind).Must(kind => kind is null || DifferenceKind.InPostgres.Contains(kind))
            .WithMessage($"must be one of {string.Join(", ", DifferenceKind.InPostgres)}");
    }
}
