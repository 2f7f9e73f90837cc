using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Teams.Keys;

/// <param name="KeyPrefix">The key's first characters, to tell it from others.</param>
/// <param name="Status"><c>active</c>, <c>expired</c> or <c>revoked</c>.</param>
/// <param name="ReplacedBy">The key that a rotation put in its place; it is refused from <c>expires_at</c> on.</param>
internal sealed record TeamKeyResponse(
    Guid KeyId,
    string TeamId,
    string Name,
    string KeyPrefix,
    string Status,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt,
    Guid? ReplacedBy,
    LimitsBody Limits)
{
    public static readonly TeamKeyResponse Example = new(
        Guid.Parse("019c1b2e-7d00-7000-8000-000000000001"), "team_hr", "default", "sk-0Abc123", "active",
        new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), null, null, null, new(null, null, 5));

    public static TeamKeyResponse From(KeyState key) => new(
        key.KeyId, key.TeamId, key.Name, key.Prefix, key.Status, key.CreatedAt, key.ExpiresAt, key.RevokedAt, key.ReplacedBy,
        LimitsBody.From(key.Limits));
}

/// <param name="VirtualKey">The whole key, shown this once.</param>
internal sealed record IssuedTeamKeyResponse(
    Guid KeyId, string TeamId, string Name, string KeyPrefix, string VirtualKey, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt)
{
    public static readonly IssuedTeamKeyResponse Example = new(
        TeamKeyResponse.Example.KeyId, "team_hr", "ci", "sk-0Abc123", "sk-…", TeamKeyResponse.Example.CreatedAt, null);

    public static IssuedTeamKeyResponse From(IssuedKey issued) => new(
        issued.Key.KeyId, issued.Key.TeamId, issued.Key.Name, issued.Key.Prefix, issued.VirtualKey, issued.Key.CreatedAt, issued.Key.ExpiresAt);
}
