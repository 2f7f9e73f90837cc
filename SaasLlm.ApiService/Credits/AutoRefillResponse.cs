using System.Text.Json.Serialization;
using SaasLlm.Core.Credits.Refills;

namespace SaasLlm.ApiService.Credits;

/// <summary>What a team gets by itself.</summary>
/// <param name="Period"><c>daily</c>, <c>weekly</c> or <c>monthly</c>, UTC.</param>
/// <param name="Mode"><c>amount</c>: `credits` are added. <c>up_to</c>: remaining credits are filled up to `credits`.</param>
/// <param name="Expires">What a refill adds ends at the next one.</param>
/// <param name="StartsAt">The first refill; the others come whole periods later.</param>
/// <param name="NextRefillAt">Null while it is switched off.</param>
/// <param name="CostBasisUsd">What the customer pays for all of `credits`. Shown to the operator only; left out where it is not known.</param>
/// <param name="LastCredits">What the last refill added: 0 for a team that was suspended, or full.</param>
internal sealed record AutoRefillResponse(
    bool Enabled,
    string Period,
    string Mode,
    decimal Credits,
    bool Expires,
    DateTimeOffset StartsAt,
    DateTimeOffset? NextRefillAt,
    DateTimeOffset? LastRefillAt,
    decimal? LastCredits,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] decimal? CostBasisUsd = null)
{
    private static readonly DateTimeOffset s_first = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static readonly AutoRefillResponse Example = new(
        true, RefillPeriod.Monthly, RefillMode.UpTo, 150, false, s_first, s_first.AddMonths(1), s_first, 42);

    public static AutoRefillResponse From(CreditRefill refill, bool isOperator) => new(
        refill.IsEnabled, refill.Period, refill.Mode, refill.Credits, refill.Expires, refill.StartsAt, refill.IsEnabled ? refill.NextRefillAt : null,
        refill.LastRefillAt, refill.LastCredits, isOperator ? refill.CostBasisUsd : null);
}
