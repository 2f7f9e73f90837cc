using System.Text.Json.Serialization;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.ApiService.Credits;

/// <summary>Credits that were granted together.</summary>
/// <param name="LotId">The id of the transaction that granted it.</param>
/// <param name="Priority">0 burns first, 100 last.</param>
/// <param name="ExpiresAt">Null: never.</param>
/// <param name="Remaining">Neither burned nor expired.</param>
/// <param name="Reserved">The part of it that open jobs hold.</param>
/// <param name="Available">The part of it that is free.</param>
/// <param name="CostBasisUsd">What the customer paid for all of it; null is not known. Shown to the operator only.</param>
internal sealed record LotResponse(
    Guid LotId,
    string Source,
    string Reference,
    int Priority,
    DateTimeOffset? ExpiresAt,
    decimal Granted,
    decimal Remaining,
    decimal Reserved,
    decimal Available,
    DateTimeOffset CreatedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] Optional<decimal?> CostBasisUsd)
{
    public static readonly LotResponse Example = new(
        Guid.Parse("019c1b2e-7d00-7000-8000-000000000002"), LotSource.Subscription, "invoice-2026-01", 50, new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero),
        50, 49, 1, 48, new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), 5m);

    public static LotResponse From(CreditLot lot, Caller caller) => new(
        lot.LotId, lot.Source, lot.Reference, lot.Priority, lot.ExpiresAt, lot.Granted, lot.Remaining, lot.Reserved, lot.Remaining - lot.Reserved,
        lot.CreatedAt, caller.IsOperator ? lot.CostBasisUsd : default(Optional<decimal?>));
}
