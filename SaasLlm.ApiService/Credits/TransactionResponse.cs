using SaasLlm.Core.Credits;

namespace SaasLlm.ApiService.Credits;

/// <param name="Sequence">1, 2, 3, … in each team's account, without a gap.</param>
/// <param name="Type"><c>allocation</c>, <c>topup</c>, <c>deduction</c>, <c>refund</c>, <c>promotion</c>, <c>subscription</c>, <c>adjustment</c> or <c>expiry</c>.</param>
/// <param name="Lots">Which lots it concerned; together they are its amount.</param>
/// <param name="Amount">What it added to the remaining credits; negative for a deduction.</param>
internal sealed record TransactionResponse(
    Guid TransactionId,
    long Sequence,
    string Type,
    decimal Amount,
    decimal CreditsBefore,
    decimal CreditsAfter,
    Guid? JobId,
    string Reason,
    LotShareResponse[] Lots,
    DateTimeOffset CreatedAt)
{
    public static readonly TransactionResponse Example = new(
        Guid.Parse("019c1b2e-7d00-7000-8000-000000000002"), 2, "topup", 50, 100, 150, null, "Monthly allocation",
        [new(Guid.Parse("019c1b2e-7d00-7000-8000-000000000002"), 50)], new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public static TransactionResponse From(PostedTransaction posted) => new(
        posted.TransactionId.Value, posted.Sequence, posted.Kind, posted.Amount, posted.CreditsBefore, posted.CreditsAfter,
        posted.JobId?.Value, posted.Reason, [.. posted.Lots.Select(share => new LotShareResponse(share.LotId.Value, share.Credits))], posted.CreatedAt);

    public static TransactionResponse From(CreditTransaction stored) => new(
        stored.TransactionId, stored.Sequence, stored.Kind, stored.Amount, stored.CreditsBefore, stored.CreditsAfter,
        stored.JobId, stored.Reason, [.. stored.LotIds.Zip(stored.LotAmounts, (lot, credits) => new LotShareResponse(lot, credits))], stored.CreatedAt);
}

/// <param name="Credits">What the transaction added to that lot; negative for what it took.</param>
internal sealed record LotShareResponse(Guid LotId, decimal Credits);
