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
            s.Description = "More than 0 and at most 1,000,000,000, with at most six decimal places. It is in the ledger when this answers.";
            s.ExampleRequest = new("team_hr", 50, "Monthly allocation");
            s.ResponseExamples[200] = new AddTeamCreditsResponse("team_hr", 50, TransactionResponse.Example);
        });
    }

    public override async Task HandleAsync(AddTeamCreditsRequest request, CancellationToken ct)
    {
        var added = await ledger.AddCreditsAsync(
            new(new(HttpContext.GetWork(time).Id), request.TeamId, request.Credits!.Value, "topup", request.Reason ?? "Credits added"), ct);
        await added.Match(
            posted => Send.OkAsync(new(posted.TeamId, posted.Amount, TransactionResponse.From(posted)), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record AddTeamCreditsRequest([property: RouteParam] string TeamId, decimal? Credits, string? Reason);

internal sealed record AddTeamCreditsResponse(string TeamId, decimal CreditsAdded, TransactionResponse Transaction);

internal sealed class AddTeamCreditsValidator : Validator<AddTeamCreditsRequest>
{
    public AddTeamCreditsValidator()
    {
        RuleFor(r => r.Credits).NotNull().GreaterThan(0).LessThanOrEqualTo(Money.CreditsMax);
        RuleFor(r => r.Credits).Must(credits => credits is not { } value || Money.IsExactCredits(value))
            .WithMessage("must have at most six decimal places");
        RuleFor(r => r.Reason).IsLine(500);
    }
}
