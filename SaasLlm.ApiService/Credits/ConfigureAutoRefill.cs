using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Credits.Refills;

namespace SaasLlm.ApiService.Credits;

/// <summary>Sets which credits a team gets by itself.</summary>
internal sealed class ConfigureAutoRefill(RefillService refills, TimeProvider time) : Endpoint<ConfigureAutoRefillRequest, ConfigureAutoRefillResponse>
{
    public override void Configure()
    {
        Post("/configure-auto-refill");
        Group<CreditsOperatorGroup>();
        Summary(s =>
        {
            s.Summary = "Sets a team's automatic refill";
            s.Description = "Each day, week or month (UTC), from `starts_at` on; without it at the next midnight, Monday's or that of the first of a month. "
                + "A start that is past gives its newest refill at once. Of the 31st, shorter months have their last day. `amount` adds `credits`, `up_to` fills remaining "
                + "credits up to them; `expires` ends what a refill added at the next one. Each refill is given once; after an outage of several the newest is. "
                + "A suspended team gets none. What is left out stays as it is.";
            s.ExampleRequest = new("team_hr", true, RefillPeriod.Monthly, 150, RefillMode.UpTo, false, new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 30);
            s.ResponseExamples[200] = new ConfigureAutoRefillResponse("team_hr", AutoRefillResponse.Example);
        });
    }

    public override async Task HandleAsync(ConfigureAutoRefillRequest request, CancellationToken ct)
    {
        var set = await refills.ConfigureAsync(request.TeamId, request.Change(), HttpContext.GetWork(time), ct);
        await set.Match(
            refill => Send.OkAsync(new(request.TeamId, refill is null ? null : AutoRefillResponse.From(refill, isOperator: true)), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="Period"><c>daily</c>, <c>weekly</c> or <c>monthly</c>; needed the first time.</param>
/// <param name="Credits">What is added, or the level that is filled up to; needed the first time.</param>
/// <param name="Mode"><c>amount</c> where it was never set, or <c>up_to</c>.</param>
/// <param name="Expires">End what a refill added at the next one; false where it was never set.</param>
/// <param name="StartsAt">The first refill, within a year of now. The start that stands changes nothing.</param>
/// <param name="CostBasisUsd">What the customer pays for all of `credits`, 0 for a gift; a refill of a part costs that part. Not known where it was never set.</param>
internal sealed record ConfigureAutoRefillRequest(
    [property: RouteParam] string TeamId,
    bool? Enabled,
    string? Period,
    decimal? Credits,
    string? Mode,
    bool? Expires,
    DateTimeOffset? StartsAt,
    decimal? CostBasisUsd = null)
{
    public RefillChange Change() => new(Enabled!.Value, Period, Mode, Credits, Expires, StartsAt, CostBasisUsd);
}

/// <param name="AutoRefill">Null where it was switched off that never was set.</param>
internal sealed record ConfigureAutoRefillResponse(string TeamId, AutoRefillResponse? AutoRefill);

internal sealed class ConfigureAutoRefillValidator : Validator<ConfigureAutoRefillRequest>
{
    public ConfigureAutoRefillValidator()
    {
        RuleFor(r => r.Enabled).NotNull();
        RuleFor(r => r.Period).Must(period => period is null || RefillPeriod.All.Contains(period))
            .WithMessage($"must be one of {string.Join(", ", RefillPeriod.All)}");
        RuleFor(r => r.Mode).Must(mode => mode is null || RefillMode.All.Contains(mode)).WithMessage($"must be one of {string.Join(", ", RefillMode.All)}");
        RuleFor(r => r.Credits).IsCredits(orZero: false);
        RuleFor(r => r.CostBasisUsd).InclusiveBetween(0, 10_000_000);
    }
}
