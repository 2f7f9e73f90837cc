namespace SaasLlm.Core.Usage;

/// <summary>A row of <c>usage_rollups</c>, for the model; it is written and read by SQL.</summary>
public sealed class UsageRollup
{
    public required string TeamId { get; init; }

    /// <summary><c>hour</c>, <c>day</c> or <c>month</c>.</summary>
    public required string Grain { get; init; }

    /// <summary>Its beginning.</summary>
    public DateTimeOffset Bucket { get; init; }

    /// <summary>True: by end user and no model; false: by model and no user. Each is the whole.</summary>
    public bool PerUser { get; init; }

    public required string ModelGroup { get; init; }

    public required string Model { get; init; }

    public required string JobType { get; init; }

    public required string UserId { get; init; }

    public long JobsCompleted { get; init; }

    public long JobsFailed { get; init; }

    public long JobsCancelled { get; init; }

    public long JobsExpired { get; init; }

    public long CallsSucceeded { get; init; }

    public long CallsFailed { get; init; }

    public long CallsUnknownCost { get; init; }

    public long InputTokens { get; init; }

    public long CachedInputTokens { get; init; }

    public long OutputTokens { get; init; }

    public long ReasoningTokens { get; init; }

    public long LatencyMsSum { get; init; }

    public decimal ClientCostUsd { get; init; }

    public decimal ProviderCostUsd { get; init; }

    public decimal CreditsCharged { get; init; }

    public decimal CreditsRefunded { get; init; }

    public decimal CreditsUnpriced { get; init; }

    public decimal RevenueUsd { get; init; }
}

/// <summary>The one row of <c>usage_watermark</c>.</summary>
public sealed class UsageWatermark
{
    public bool OnlyRow { get; init; } = true;

    /// <summary>Hours before it are rolled up; null: none is yet.</summary>
    public DateTimeOffset? RolledUntil { get; init; }

    /// <summary>Calls before it are dropped; null: none is.</summary>
    public DateTimeOffset? KeptFrom { get; init; }
}
