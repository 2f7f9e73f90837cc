namespace SaasLlm.Core.Credits;

/// <summary>Credits that were granted together. Only the ledger's writer changes it; amounts are credits.</summary>
public sealed class CreditLot
{
    public required string TeamId { get; init; }

    /// <summary>The id of the transaction that granted it.</summary>
    public required Guid LotId { get; init; }

    /// <summary>One of <see cref="LotSource"/>.</summary>
    public required string Source { get; init; }

    /// <summary>The grantor's name of the grant, unique among the team's lots of that source.</summary>
    public required string Reference { get; init; }

    /// <summary>0 burns first, 100 last.</summary>
    public short Priority { get; init; }

    /// <summary>Null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What the customer paid for all of it, in USD; null is not known.</summary>
    public decimal? CostBasisUsd { get; init; }

    public decimal Granted { get; init; }

    /// <summary>Neither burned nor expired.</summary>
    public decimal Remaining { get; init; }

    /// <summary>The part of <see cref="Remaining"/> that open holds have set aside.</summary>
    public decimal Reserved { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>True while something remains.</summary>
    public bool IsOpen { get; init; }
}
