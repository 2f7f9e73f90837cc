namespace SaasLlm.Core.Llm.Bodies;

/// <summary>What a call asked and was answered, of a team that keeps it. Nothing of it is plain.</summary>
public sealed class LlmCallBody
{
    public required string TeamId { get; init; }

    public required Guid CallId { get; init; }

    public required Guid JobId { get; init; }

    public required string ModelGroup { get; init; }

    /// <summary>Why the call failed; null where it did not.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>Sealed; null: longer than is kept.</summary>
    public byte[]? Request { get; init; }

    /// <summary>Of the request in plain text.</summary>
    public int RequestBytes { get; init; }

    /// <summary>Sealed; null: there was none, or it was longer than is kept.</summary>
    public byte[]? Answer { get; init; }

    /// <summary>Of the answer in plain text; 0: there was none.</summary>
    public int AnswerBytes { get; init; }

    public DateTimeOffset KeptAt { get; init; }

    /// <summary>From then on it is not there.</summary>
    public DateTimeOffset ExpiresAt { get; init; }
}
