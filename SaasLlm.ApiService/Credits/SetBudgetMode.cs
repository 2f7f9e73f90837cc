using System.Text.Json.Serialization;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Credits;

/// <summary>Sets how a team's jobs are charged from now on, and how much it may use in a month.</summary>
internal sealed class SetBudgetMode(ILedger ledger, TeamReader teams) : Endpoint<SetBudgetModeRequest, BalanceResponse>
{
    public override void Configure()
    {
        Patch("/budget-mode");
        Group<CreditsOperatorGroup>();
        Summary(s =>
        {
            s.Summary = "Sets how a team is charged";
            s.Description = "What is left out stays as it is; `credit_limit` null is no limit. Jobs that are open keep what they opened with. "
                + "`job_based` charges `credits_per_job` (or the job type's price); `consumption_usd` the client cost × `credits_per_dollar`, "
                + "`consumption_tokens` the tokens ÷ `tokens_per_credit`, both rounded up to `credit_increment`, once a job.";
            s.ExampleRequest = new("team_hr", BudgetMode.ConsumptionUsd, null, 10, null, 0.1m, 20, new(5000m));
            s.ResponseExamples[200] = BalanceResponse.Example with
            {
                BudgetMode = BudgetMode.ConsumptionUsd,
                CreditIncrement = 0.1m,
                MarkupPercent = 20m,
                CreditLimit = 5000,
            };
        });
    }

    public override async Task HandleAsync(SetBudgetModeRequest request, CancellationToken ct)
    {
        var limit = request.CreditLimit.IsGiven ? new CreditLimit(request.CreditLimit.Value) : null;
        if ((await ledger.ConfigureAccountAsync(new(request.TeamId, request.Terms(), limit), ct)).Failure is { } refused)
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

/// <param name="BudgetMode"><c>job_based</c>, <c>consumption_usd</c> or <c>consumption_tokens</c>.</param>
/// <param name="CreditIncrement">Consumption is rounded up to a multiple of it, and is at least one of it.</param>
/// <param name="MarkupPercent">Client cost = provider cost × (1 + this / 100).</param>
/// <param name="CreditLimit">The most the team may use in a calendar month (UTC); null is no limit.</param>
internal sealed record SetBudgetModeRequest(
    [property: RouteParam] string TeamId,
    string? BudgetMode,
    decimal? CreditsPerJob,
    decimal? CreditsPerDollar,
    long? TokensPerCredit,
    decimal? CreditIncrement,
    decimal? MarkupPercent,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<decimal?> CreditLimit)
{
    public BudgetTermsChange Terms() => new(BudgetMode, CreditsPerJob, CreditsPerDollar, TokensPerCredit, CreditIncrement, MarkupPercent);
}

internal sealed class SetBudgetModeValidator : Validator<SetBudgetModeRequest>
{
    private const decimal CreditsPerDollarMax = 1_000_000;
    private const long TokensPerCreditMax = 1_000_000_000_000;
    private const decimal MarkupMax = 10_000;
    private const int MarkupScale = 4;

    public SetBudgetModeValidator()
    {
        RuleFor(r => r.BudgetMode).Must(mode => mode is null || BudgetMode.All.Contains(mode))
            .WithMessage($"must be one of {string.Join(", ", BudgetMode.All)}");
        RuleFor(r => r.CreditsPerJob).IsCredits();
        RuleFor(r => r.CreditsPerDollar).IsCredits(orZero: false, CreditsPerDollarMax);
        RuleFor(r => r.TokensPerCredit).InclusiveBetween(1, TokensPerCreditMax);
        RuleFor(r => r.CreditIncrement).IsCredits(orZero: false);
        RuleFor(r => r.MarkupPercent).InclusiveBetween(0, MarkupMax);
        RuleFor(r => r.MarkupPercent).Must(percent => percent is not { } value || decimal.Round(value, MarkupScale) == value)
            .WithMessage("must have at most four decimal places");
        RuleFor(r => r.CreditLimit.Value).IsCredits().OverridePropertyName("credit_limit");
    }
}
