namespace SaasLlm.Core.Teams;

/// <summary>A virtual key of a team. The key itself is not kept: its SHA-256 and a prefix for display are.</summary>
public sealed class TeamKey
{
    public required string TeamId { get; init; }

    public required Guid KeyId { get; init; }

    /// <summary>SHA-256 of the whole key: 32 bytes.</summary>
    public required byte[] KeyHash { get; init; }

    public required string KeyPrefix { get; init; }

    public required string Name { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>From then on the key is refused; null is never.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>The key that a rotation put in this one's place; this one then ends at <see cref="ExpiresAt"/>.</summary>
    public Guid? ReplacedBy { get; set; }

    /// <summary>Null is no limit; these three are its <see cref="RateLimits"/>.</summary>
    public int? RequestsPerMinute { get; set; }

    public long? TokensPerMinute { get; set; }

    public int? ParallelCalls { get; set; }

    public RateLimits LimitsOf() => new(RequestsPerMinute, TokensPerMinute, ParallelCalls);
}
