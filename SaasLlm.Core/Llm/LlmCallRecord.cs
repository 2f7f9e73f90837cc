namespace SaasLlm.Core.Llm;

/// <summary>One logical LLM request, written once, at its end.</summary>
public sealed class LlmCallRecord
{
    public required string TeamId { get; init; }

    public required Guid CallId { get; init; }

    public required Guid JobId { get; init; }

    public required string ModelGroup { get; init; }

    public string? Purpose { get; init; }

    /// <summary><c>succeeded</c> or <c>failed</c>.</summary>
    public required string Status { get; init; }

    /// <summary>The model that answered; null when none did. Never shown to a tenant.</summary>
    public string? ResolvedModel { get; init; }

    public int Attempts { get; init; }

    public long InputTokens { get; init; }

    public long CachedInputTokens { get; init; }

    /// <summary>Of the input, what the provider stored for later.</summary>
    public long CacheWriteTokens { get; init; }

    public long OutputTokens { get; init; }

    public long ReasoningTokens { get; init; }

    /// <summary>Null: unknown, not zero.</summary>
    public decimal? ProviderCostUsd { get; init; }

    /// <summary>One of <see cref="Credits.UsageSource"/>; null while it runs.</summary>
    public string? UsageSource { get; init; }

    /// <summary>What it cost the provider's client at the least.</summary>
    public decimal? CostLowUsd { get; init; }

    /// <summary>What it cost at the most.</summary>
    public decimal? CostHighUsd { get; init; }

    /// <summary>What the gateway itself says that it cost; null where it says nothing.</summary>
    public decimal? GatewayCostUsd { get; init; }

    public decimal? ClientCostUsd { get; init; }

    public int LatencyMs { get; init; }

    public string? ErrorCode { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset EndedAt { get; init; }
}
