using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks;

/// <summary>A webhook, without its secret.</summary>
/// <param name="TeamId">Null: hears of all the organization's teams.</param>
/// <param name="Events">Empty: all but those that must be asked for by name.</param>
/// <param name="Status"><c>active</c>, <c>paused</c> or <c>disabled</c>.</param>
/// <param name="StatusReason">Why it is disabled: <c>gone</c> (its receiver answered 410) or <c>failing</c>.</param>
/// <param name="FailingSince">The first failure since the last success, since the URL was changed, or since nothing was tried for a day and a half.</param>
/// <param name="PreviousSecretUntil">Until then deliveries bear the signature of the secret before the last rotation as well.</param>
internal sealed record WebhookResponse(
    Guid WebhookId,
    string OrganizationId,
    string? TeamId,
    string Url,
    IReadOnlyList<string> Events,
    string Description,
    string Status,
    string? StatusReason,
    DateTimeOffset? FailingSince,
    DateTimeOffset? PreviousSecretUntil,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt)
{
    public static readonly WebhookResponse Example = new(
        Guid.Parse("019c13a4-7b5e-7c11-9d3e-6f0a1b2c3d4e"), "org_acme", "team_hr", "https://app.example.com/hooks/saasllm", ["job.completed", "credits.*"],
        "Production", WebhookStatus.Active, null, null, null,
        new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public static WebhookResponse From(WebhookEndpoint endpoint) => new(
        endpoint.EndpointId, endpoint.OrganizationId, endpoint.TeamId, endpoint.Url, endpoint.Events, endpoint.Description, endpoint.Status,
        endpoint.StatusReason, endpoint.FailingSince, endpoint.PreviousUntil, endpoint.CreatedAt, endpoint.UpdatedAt);
}

/// <summary>A webhook whose secret was just made.</summary>
/// <param name="Secret">What deliveries are signed with, <c>whsec_…</c>: shown in this answer and never again.</param>
internal sealed record IssuedWebhookResponse(Guid WebhookId, string Secret, WebhookResponse Webhook)
{
    public static readonly IssuedWebhookResponse Example = new(WebhookResponse.Example.WebhookId, "whsec_…", WebhookResponse.Example);

    public static IssuedWebhookResponse From(IssuedWebhook issued)
        => new(issued.Endpoint.EndpointId, issued.Secret, WebhookResponse.From(issued.Endpoint));

    // A record prints its members; a secret must not get into a log.
    public override string ToString() => WebhookId.ToString();
}
