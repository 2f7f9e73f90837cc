namespace SaasLlm.Core.Teams;

/// <summary>The account that holds credits and keys.</summary>
public sealed class Team
{
    /// <summary>Chosen by the caller or generated: <c>^[A-Za-z0-9_-]{1,64}$</c>.</summary>
    public required string TeamId { get; init; }

    public required string OrganizationId { get; init; }

    public required string TeamAlias { get; set; }

    /// <summary><see cref="TeamStatus.Active"/> or <see cref="TeamStatus.Suspended"/>.</summary>
    public string Status { get; set; } = TeamStatus.Active;

    /// <summary>A JSON object.</summary>
    public string Metadata { get; set; } = "{}";

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Null is no limit; these three are its <see cref="RateLimits"/>.</summary>
    public int? RequestsPerMinute { get; set; }

    public long? TokensPerMinute { get; set; }

    public int? ParallelCalls { get; set; }

    /// <summary>For how many days what its calls ask and are answered is kept, 1 to 90; null: not at all.</summary>
    public int? KeepBodiesDays { get; set; }

    public RateLimits LimitsOf() => new(RequestsPerMinute, TokensPerMinute, ParallelCalls);
}

/// <summary>The words of <see cref="Team.Status"/>.</summary>
public static class TeamStatus
{
    public const string Active = "active";
    public const string Suspended = "suspended";
}
