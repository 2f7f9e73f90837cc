namespace SaasLlm.Core.Teams;

/// <summary>A team's own key at the gateway, and the work of getting it.</summary>
public sealed class TeamGatewayKey
{
    public required string TeamId { get; init; }

    /// <summary><c>pending</c> until the gateway minted the key, then <c>ready</c>.</summary>
    public string State { get; set; } = "pending";

    /// <summary>AES-GCM under the encryption key; null while pending.</summary>
    public byte[]? EncryptedKey { get; set; }

    public int Attempts { get; set; }

    public DateTimeOffset NextAttemptAt { get; set; }

    public Guid? LeaseToken { get; set; }

    public DateTimeOffset? LeaseUntil { get; set; }

    public string? LastError { get; set; }

    public DateTimeOffset UpdatedAt { get; set; }
}
