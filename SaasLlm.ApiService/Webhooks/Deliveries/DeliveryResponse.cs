using System.Text.Json;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks.Deliveries;

/// <summary>A message on its way to a webhook.</summary>
/// <param name="MessageId">Sent as <c>webhook-id</c>, the same in every try and to every webhook.</param>
/// <param name="TeamId">Of the event; null when it is the organization's.</param>
/// <param name="Status"><c>pending</c>, <c>delivered</c>, <c>dead</c> (its last try failed) or <c>dropped</c> (it happened while the webhook was disabled).</param>
/// <param name="HttpStatus">Of the last try; null when that was not answered.</param>
/// <param name="Error">What was wrong with the last try.</param>
/// <param name="NextTryAt">Null where it is over.</param>
internal sealed record DeliveryResponse(
    Guid MessageId,
    string Event,
    string? TeamId,
    string Status,
    int Attempts,
    int? HttpStatus,
    string? Error,
    DateTimeOffset OccurredAt,
    DateTimeOffset? NextTryAt,
    DateTimeOffset? EndedAt)
{
    public static readonly DeliveryResponse Example = new(
        Guid.Parse("019c13a4-7b5e-7c11-9d3e-6f0a1b2c3d4f"), "job.completed", "team_hr", WebhookDeliveryState.Pending, 2, 503, "http_status",
        new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), new(2026, 1, 31, 12, 5, 5, TimeSpan.Zero), null);

    public static DeliveryResponse From(WebhookDelivery delivery) => new(
        delivery.MessageId, delivery.Topic, delivery.TeamId, delivery.State, delivery.Attempts, delivery.HttpStatus, delivery.Error,
        delivery.OccurredAt, delivery.EndedAt is null ? delivery.DueAt : null, delivery.EndedAt);
}

/// <summary>A message with its tries.</summary>
/// <param name="Body">What is sent, as it is signed.</param>
/// <param name="Tries">Oldest first.</param>
internal sealed record LoggedDeliveryResponse(DeliveryResponse Delivery, JsonElement Body, IReadOnlyList<TryResponse> Tries)
{
    public static readonly LoggedDeliveryResponse Example = new(
        DeliveryResponse.Example,
        JsonElement.Parse("""{"type":"job.completed","timestamp":"2026-01-31T12:00:00.000000Z","data":{"job_id":"019c13a4-7b5e-7c11-9d3e-6f0a1b2c3d50","team_id":"team_hr"}}"""),
        [new(1, new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), 41, 503, "http_status", "upstream connect error")]);

    public static LoggedDeliveryResponse From(LoggedDelivery logged) => new(
        DeliveryResponse.From(logged.Delivery),
        JsonElement.Parse(logged.Delivery.Body),
        [.. logged.Attempts.Select(attempt => new TryResponse(
            attempt.AttemptNumber, attempt.StartedAt, attempt.LatencyMs, attempt.HttpStatus, attempt.Error, attempt.ResponseExcerpt))]);
}

/// <summary>One try.</summary>
/// <param name="HttpStatus">Null: there was no answer.</param>
/// <param name="Error">Null: the receiver took it.</param>
/// <param name="ResponseExcerpt">The beginning of the answer's body.</param>
internal sealed record TryResponse(int Number, DateTimeOffset StartedAt, int LatencyMs, int? HttpStatus, string? Error, string? ResponseExcerpt);
