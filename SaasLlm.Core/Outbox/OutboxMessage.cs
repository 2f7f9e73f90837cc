namespace SaasLlm.Core.Outbox;

/// <summary>A fact that goes out as an event, written in the transaction that makes it true.</summary>
public sealed class OutboxMessage
{
    public required Guid MessageId { get; init; }

    /// <summary>Null: the event is the organization's.</summary>
    public string? TeamId { get; init; }

    /// <summary>Null: that of the team.</summary>
    public string? OrganizationId { get; init; }

    /// <summary>For example <c>job.completed</c>.</summary>
    public required string Topic { get; init; }

    /// <summary>Lets a receiver recognise a second delivery of the same fact.</summary>
    public required string DedupeKey { get; init; }

    /// <summary>A JSON object.</summary>
    public required string Payload { get; init; }

    public DateTimeOffset OccurredAt { get; init; }

    public DateTimeOffset? RelayedAt { get; set; }
}
