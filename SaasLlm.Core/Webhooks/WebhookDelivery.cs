namespace SaasLlm.Core.Webhooks;

/// <summary>One message on its way to one endpoint.</summary>
public sealed class WebhookDelivery
{
    public required Guid EndpointId { get; init; }

    /// <summary>The event's id, sent as <c>webhook-id</c>: the same in every try and to every endpoint.</summary>
    public required Guid MessageId { get; init; }

    /// <summary>Of the event; null when it is the organization's.</summary>
    public string? TeamId { get; init; }

    /// <summary>For example <c>job.completed</c>.</summary>
    public required string Topic { get; init; }

    /// <summary>The very text that is signed and sent.</summary>
    public required string Body { get; init; }

    public DateTimeOffset OccurredAt { get; init; }

    /// <summary>One of <see cref="WebhookDeliveryState"/>.</summary>
    public string State { get; set; } = WebhookDeliveryState.Pending;

    /// <summary>The next try; while one runs, the end of its lease.</summary>
    public DateTimeOffset DueAt { get; set; }

    public Guid? LeaseToken { get; set; }

    /// <summary>Since it began or was replayed.</summary>
    public int Tries { get; set; }

    /// <summary>All there were.</summary>
    public int Attempts { get; set; }

    /// <summary>Of the last try that was answered.</summary>
    public int? HttpStatus { get; set; }

    /// <summary>What was wrong with the last try; null when nothing was.</summary>
    public string? Error { get; set; }

    public DateTimeOffset? EndedAt { get; set; }
}

/// <summary>The words of <see cref="WebhookDelivery.State"/>.</summary>
public static class WebhookDeliveryState
{
    public const string Pending = "pending";
    public const string Delivered = "delivered";

    /// <summary>Its last try failed.</summary>
    public const string Dead = "dead";

    /// <summary>Its endpoint was disabled when it happened.</summary>
    public const string Dropped = "dropped";

    public static IReadOnlyList<string> All { get; } = [Pending, Delivered, Dead, Dropped];
}

/// <summary>One try of a delivery.</summary>
public sealed class WebhookAttempt
{
    public required Guid EndpointId { get; init; }

    public required Guid MessageId { get; init; }

    /// <summary>From 1; a replay counts on.</summary>
    public required int AttemptNumber { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public int LatencyMs { get; init; }

    /// <summary>Null: there was no answer.</summary>
    public int? HttpStatus { get; init; }

    public string? Error { get; init; }

    /// <summary>The beginning of the answer's body.</summary>
    public string? ResponseExcerpt { get; init; }
}
