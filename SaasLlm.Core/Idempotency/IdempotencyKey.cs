namespace SaasLlm.Core.Idempotency;

/// <summary>A row of <c>idempotency_keys</c> as EF sees it; <see cref="IdempotencyStore"/> reads and writes it.</summary>
public sealed class IdempotencyKey
{
    public required string Caller { get; init; }

    public required byte[] Scope { get; init; }

    public required string Route { get; init; }

    public required byte[] RequestHash { get; init; }

    public required string State { get; init; }

    public Guid WorkId { get; init; }

    public Guid Fence { get; init; }

    public int Attempts { get; init; }

    public DateTimeOffset LeaseUntil { get; init; }

    public byte[]? Result { get; init; }

    public int? AnswerStatus { get; init; }

    public byte[]? Answer { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }
}
