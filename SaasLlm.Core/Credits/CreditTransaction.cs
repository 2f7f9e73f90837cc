namespace SaasLlm.Core.Credits;

/// <summary>One entry of the append-only ledger.</summary>
public sealed class CreditTransaction
{
    public required string TeamId { get; init; }

    /// <summary>1, 2, 3, … per team, without a gap.</summary>
    public required long Sequence { get; init; }

    public required Guid TransactionId { get; init; }

    public required string Kind { get; init; }

    /// <summary>Signed: what it adds to the remaining credits.</summary>
    public required decimal Amount { get; init; }

    public required decimal CreditsBefore { get; init; }

    public required decimal CreditsAfter { get; init; }

    public Guid? JobId { get; init; }

    public string Reason { get; init; } = "";

    /// <summary>Which lots it concerned; the amounts of <see cref="LotAmounts"/> are in the same order.</summary>
    public Guid[] LotIds { get; init; } = [];

    /// <summary>What it added to each lot; together <see cref="Amount"/>.</summary>
    public decimal[] LotAmounts { get; init; } = [];

    public DateTimeOffset CreatedAt { get; init; }
}
