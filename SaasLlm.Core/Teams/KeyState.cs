namespace SaasLlm.Core.Teams;

/// <summary>A key as it may be shown.</summary>
/// <param name="Prefix">Its first characters.</param>
/// <param name="Status"><c>active</c>, <c>expired</c> or <c>revoked</c>.</param>
/// <param name="ReplacedBy">The key that a rotation put in its place.</param>
public sealed record KeyState(
    Guid KeyId,
    string TeamId,
    string Name,
    string Prefix,
    string Status,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt,
    Guid? ReplacedBy,
    RateLimits Limits)
{
    internal static KeyState Of(TeamKey key, DateTimeOffset now) => new(
        key.KeyId,
        key.TeamId,
        key.Name,
        key.KeyPrefix,
        key.RevokedAt is not null ? "revoked" : key.ExpiresAt <= now ? "expired" : "active",
        key.CreatedAt,
        key.ExpiresAt,
        key.RevokedAt,
        key.ReplacedBy,
        key.LimitsOf());
}

/// <summary>A key that was just made.</summary>
/// <param name="VirtualKey">In plain text: to be shown now, never again.</param>
public sealed record IssuedKey(KeyState Key, string VirtualKey)
{
    // A record prints its members; a key must not get into a log.
    public override string ToString() => Key.Prefix;
}
