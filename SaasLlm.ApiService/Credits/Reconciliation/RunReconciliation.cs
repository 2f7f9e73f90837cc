using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Reconciliation;

namespace SaasLlm.ApiService.Credits.Reconciliation;

/// <summary>Asks for a run over all teams, or checks one team at once.</summary>
internal sealed class RunReconciliation(IReconciliation reconciliation, TimeProvider time)
    : Endpoint<RunReconciliationRequest, RunReconciliationResponse>
{
    public override void Configure()
    {
        Post("/run");
        Group<ReconciliationGroup>();
        Description(d => d.Produces<RunReconciliationResponse>(202).ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Holds the books against each other now";
            s.Description = "Without `team_id` 202 with the run over all teams, which JobRunner does; while one is open, with that one. "
                + "With `team_id` 200 with the report of that team, checked before this answers.";
            s.Params["team_id"] = "Check this team only, at once.";
            s.ResponseExamples[200] = new RunReconciliationResponse(null, TeamReportResponse.Example);
            s.ResponseExamples[202] = new RunReconciliationResponse(ReconciliationRunResponse.Waiting, null);
        });
    }

    public override async Task HandleAsync(RunReconciliationRequest request, CancellationToken ct)
    {
        if (request.TeamId is null)
        {
            var run = await reconciliation.RequestRunAsync(HttpContext.GetWork(time).Id, ct);
            await Send.ResponseAsync(new(ReconciliationRunResponse.From(run), null), 202, ct);
            return;
        }

        var report = await reconciliation.CheckTeamAsync(request.TeamId, ct);
        await report.Match(
            team => Send.OkAsync(new(null, TeamReportResponse.From(team)), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record RunReconciliationRequest([property: QueryParam] string? TeamId = null);

/// <param name="Run">Of all teams.</param>
/// <param name="Team">Of the one that was asked for.</param>
internal sealed record RunReconciliationResponse(ReconciliationRunResponse? Run, TeamReportResponse? Team);

internal sealed class RunReconciliationValidator : Validator<RunReconciliationRequest>
{
    public RunReconciliationValidator() => RuleFor(r => r.TeamId).Must(id => id is null || Names.IsTenantId(id)).WithMessage("must match ^[A-Za-z0-9_-]{1,64}$");
}
