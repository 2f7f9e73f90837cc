namespace SaasLlm.Core.Llm;

/// <summary>One upstream try of a call: inserted before it is sent, closed once.</summary>
public sealed class LlmAttempt
{
    public required string TeamId { get; init; }

    public required Guid AttemptId { get; init; }

    public required Guid CallId { get; init; }

    public required Guid JobId { get; init; }

    /// <summary>1, 2, 3, … within the call.</summary>
    public required int AttemptNumber { get; init; }

    public required string ModelName { get; init; }

    /// <summary><c>running</c>, then one of <c>succeeded</c>, <c>failed</c>, <c>unknown</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Past this a running attempt is taken for abandoned.</summary>
    public DateTimeOffset DeadlineAt { get; init; }

    /// <summary>The most its call may use, before it is known.</summary>
    public long EstimatedTokens { get; init; }

    /// <inheritdoc cref="EstimatedTokens"/>
    public decimal EstimatedCostUsd { get; init; }

    public int? HttpStatus { get; init; }

    /// <summary>What the answer meant, in the words of the classifier.</summary>
    public string? Outcome { get; init; }

    public string? UpstreamId { get; init; }

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

    public int? LatencyMs { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}
