using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Credits;

namespace SaasLlm.ApiService.Credits;

/// <summary>Gives a job's deduction back, whole or in part.</summary>
internal sealed class RefundJobCredits(ILedger ledger, TimeProvider time) : Endpoint<RefundJobCreditsRequest, RefundJobCreditsResponse>
{
    public override void Configure()
    {
        Post("/refund");
        Group<CreditsOperatorGroup>();
        Description(d => d.ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Refunds a job";
            s.Description = "Gives `credits` of the job's deduction back, or all that was not given back before, to the lots that were burned, the "
                + "newest burn first; a lot that has expired lives on for thirty days with that part. Parts together never exceed the deduction: "
                + "409 `credits.refund_exceeds_charge` says what is left. 409 `credits.not_charged` where there was none.";
            s.ExampleRequest = new("team_hr", s_job, 0.5m, "Half of the pages were unreadable");
            s.ResponseExamples[200] = new RefundJobCreditsResponse("team_hr", s_job, 0.5m, TransactionResponse.Example with
            {
                Sequence = 3,
                Type = "refund",
                Amount = 0.5m,
                CreditsBefore = 149,
                CreditsAfter = 149.5m,
                JobId = s_job,
                Reason = "Half of the pages were unreadable",
                Lots = [new(TransactionResponse.Example.TransactionId, 0.5m)],
            });
        });
    }

    private static readonly Guid s_job = Guid.Parse("019c1b2e-7d00-7000-8000-000000000003");

    public override async Task HandleAsync(RefundJobCreditsRequest request, CancellationToken ct)
    {
        var refunded = await ledger.RefundJobAsync(
            new(new(HttpContext.GetWork(time).Id), request.TeamId, new(request.JobId!.Value), request.Credits, request.Reason ?? "Refund"), ct);
        await refunded.Match(
            posted => Send.OkAsync(new(posted.TeamId, request.JobId.Value, posted.Amount, TransactionResponse.From(posted)), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="Credits">Left out: all that was not given back before.</param>
internal sealed record RefundJobCreditsRequest(
    [property: RouteParam] string TeamId, Guid? JobId = null, decimal? Credits = null, string? Reason = null);

internal sealed record RefundJobCreditsResponse(string TeamId, Guid JobId, decimal CreditsRefunded, TransactionResponse Transaction);

internal sealed class RefundJobCreditsValidator : Validator<RefundJobCreditsRequest>
{
    public RefundJobCreditsValidator()
    {
        RuleFor(r => r.JobId).NotNull();
        RuleFor(r => r.Credits).IsCredits(orZero: false);
        RuleFor(r => r.Reason).IsLine(500);
    }
}
