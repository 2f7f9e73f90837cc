using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.ApiService.Credits;

/// <summary>Corrects a team's account.</summary>
internal sealed class AdjustTeamCredits(ILedger ledger, TimeProvider time) : Endpoint<AdjustTeamCreditsRequest, AdjustTeamCreditsResponse>
{
    public override void Configure()
    {
        Post("/adjust");
        Group<CreditsOperatorGroup>();
        Description(d => d.ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Corrects an account";
            s.Description = "A positive amount is a lot that never expires; a negative one is taken from the free lots, in the order they burn. What "
                + "open jobs hold is never taken: 409 `credits.held` names the amount that is `available`.";
            s.ExampleRequest = new("team_hr", -10, "Granted twice by mistake");
            s.ResponseExamples[200] = new AdjustTeamCreditsResponse("team_hr", -10, TransactionResponse.Example with
            {
                Sequence = 3,
                Type = "adjustment",
                Amount = -10,
                CreditsBefore = 150,
                CreditsAfter = 140,
                Reason = "Granted twice by mistake",
                Lots = [new(TransactionResponse.Example.TransactionId, -10)],
            });
        });
    }

    public override async Task HandleAsync(AdjustTeamCreditsRequest request, CancellationToken ct)
    {
        var adjusted = await ledger.AdjustCreditsAsync(
            new(new(HttpContext.GetWork(time).Id), request.TeamId, request.Credits!.Value, request.Reason!), ct);
        await adjusted.Match(
            posted => Send.OkAsync(new(posted.TeamId, posted.Amount, TransactionResponse.From(posted)), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="Credits">Signed: what it adds to the remaining credits.</param>
internal sealed record AdjustTeamCreditsRequest([property: RouteParam] string TeamId, decimal? Credits = null, string? Reason = null);

internal sealed record AdjustTeamCreditsResponse(string TeamId, decimal CreditsAdjusted, TransactionResponse Transaction);

internal sealed class AdjustTeamCreditsValidator : Validator<AdjustTeamCreditsRequest>
{
    public AdjustTeamCreditsValidator()
    {
        RuleFor(r => r.Credits).NotNull().NotEqual(0).InclusiveBetween(-Money.CreditsMax, Money.CreditsMax);
        RuleFor(r => r.Credits).Must(credits => credits is not { } value || Money.IsExactCredits(value))
            .WithMessage("must have at most six decimal places");
        RuleFor(r => r.Reason).NotNull().IsLine(500);
    }
}
