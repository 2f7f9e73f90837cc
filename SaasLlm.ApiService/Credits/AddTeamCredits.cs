using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.ApiService.Credits;

/// <summary>Adds credits to a team's account.</summary>
internal sealed class AddTeamCredits(ILedger ledger, TimeProvider time) : Endpoint<AddTeamCreditsRequest, AddTeamCreditsResponse>
{
    public override void Configure()
    {
        Post("/add");
        Group<CreditsOperatorGroup>();
        Summary(s =>
        {
            s.Summary = "Adds credits";
            s.Description = "More than 0 and at most 1,000,000,000, with at most six decimal places. It is in the ledger when this answers. "
                + "Credits that come together are a lot; lots burn by priority (0 first), then earliest expiry, then oldest. "
                + "A grant with the source and reference of an earlier one adds nothing and answers as that one did.";
            s.ExampleRequest = new(
                "team_hr", 50, "Monthly allocation", LotSource.Subscription, "invoice-2026-01", 50, new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero), 5);
            s.ResponseExamples[200] = new AddTeamCreditsResponse("team_hr", 50, TransactionResponse.Example);
        });
    }

    public override async Task HandleAsync(AddTeamCreditsRequest request, CancellationToken ct)
    {
        var added = await ledger.AddCreditsAsync(
            new(new(HttpContext.GetWork(time).Id), request.TeamId, request.Credits!.Value, request.Reason ?? "Credits added", request.Terms()), ct);
        await added.Match(
            posted => Send.OkAsync(new(posted.TeamId, posted.Amount, TransactionResponse.From(posted)), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="Source"><c>purchase</c> where it is left out; <c>allocation</c>, <c>promotion</c>, <c>subscription</c>.</param>
/// <param name="Reference">Your own name of the grant, unique within its source: an invoice, a payment.</param>
/// <param name="Priority">0 burns first, 100 last; 50 where it is left out.</param>
/// <param name="ExpiresAt">Left out: never.</param>
/// <param name="CostBasisUsd">What the customer paid for all of it.</param>
internal sealed record AddTeamCreditsRequest(
    [property: RouteParam] string TeamId,
    decimal? Credits,
    string? Reason,
    string? Source = null,
    string? Reference = null,
    int? Priority = null,
    DateTimeOffset? ExpiresAt = null,
    decimal? CostBasisUsd = null)
{
    public LotTerms Terms() => new(Source ?? LotSource.Purchase, Reference, Priority ?? LotSource.DefaultPriority, ExpiresAt, CostBasisUsd);
}

internal sealed record AddTeamCreditsResponse(string TeamId, decimal CreditsAdded, TransactionResponse Transaction);

internal sealed class AddTeamCreditsValidator : Validator<AddTeamCreditsRequest>
{
    // An adjustment has a route of its own, and a refill comes by itself.
    private static readonly string[] s_sources = [.. LotSource.All.Where(source => source is not (LotSource.Adjustment or LotSource.Refill))];

    public AddTeamCreditsValidator()
    {
        RuleFor(r => r.Credits).NotNull().GreaterThan(0).LessThanOrEqualTo(Money.CreditsMax);
        RuleFor(r => r.Credits).Must(credits => credits is not { } value || Money.IsExactCredits(value))
            .WithMessage("must have at most six decimal places");
        RuleFor(r => r.Reason).IsLine(500);
        RuleFor(r => r.Source).Must(source => source is null || s_sources.Contains(source)).WithMessage($"must be one of {string.Join(", ", s_sources)}");
        RuleFor(r => r.Reference).IsLine(255);
        RuleFor(r => r.Reference).Must(reference => reference != "").WithMessage("must not be empty");
        RuleFor(r => r.Priority).InclusiveBetween(0, 100);
        RuleFor(r => r.CostBasisUsd).InclusiveBetween(0, 10_000_000);
    }
}
