namespace SaasLlm.Core.Webhooks;

/// <summary>An address that hears of a team's events, or of an organization's.</summary>
public sealed class WebhookEndpoint
{
    public required Guid EndpointId { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>Null: hears of all the organization's teams.</summary>
    public string? TeamId { get; init; }

    public required string Url { get; set; }

    /// <summary>See <see cref="WebhookEvents"/>; empty is all but those that must be asked for by name.</summary>
    public string[] Events { get; set; } = [];

    public string Description { get; set; } = "";

    /// <summary>One of <see cref="WebhookStatus"/>.</summary>
    public string Status { get; set; } = WebhookStatus.Active;

    /// <summary>Why it is disabled: <c>gone</c> or <c>failing</c>.</summary>
    public string? StatusReason { get; set; }

    /// <summary>Encrypted by <see cref="WebhookSecrets"/>.</summary>
    public required byte[] Secret { get; set; }

    /// <summary>Signs as well until <see cref="PreviousUntil"/>.</summary>
    public byte[]? PreviousSecret { get; set; }

    public DateTimeOffset? PreviousUntil { get; set; }

    /// <summary>The first failure since the last success, since its URL was changed, or since nothing was tried for a day and a half.</summary>
    public DateTimeOffset? FailingSince { get; set; }

    /// <summary>The last one since then.</summary>
    public DateTimeOffset? LastFailedAt { get; set; }

    /// <summary>When its next delivery is due; null: nothing waits.</summary>
    public DateTimeOffset? ReadyAt { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>The words of <see cref="WebhookEndpoint.Status"/>.</summary>
public static class WebhookStatus
{
    public const string Active = "active";

    /// <summary>By its owner: deliveries wait.</summary>
    public const string Paused = "paused";

    /// <summary>By us: what happens meanwhile is kept for a replay, and not sent.</summary>
    public const string Disabled = "disabled";
}
