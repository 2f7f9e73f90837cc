using System.Text.Json;
using SaasLlm.Core.Credits;

namespace SaasLlm.Core.Llm.Streaming;

/// <summary>Reads what one upstream stream says, and writes each part of it anew for the tenant.</summary>
internal abstract class AnswerReader
{
    /// <summary>Something was given. From here on no other model can take over.</summary>
    public bool HasContent { get; protected set; }

    /// <summary>The last that the stream said of its tokens.</summary>
    public TokenUsage? Usage { get; protected set; }

    /// <summary>What the gateway says that it cost.</summary>
    public decimal? GatewayCostUsd { get; protected set; }

    /// <summary>Bytes of what was said so far. For counting what nobody counted.</summary>
    public long TextBytes { get; protected set; }

    public string? UpstreamId { get; protected set; }

    /// <summary>What goes out once the call is saved; undefined where nothing does.</summary>
    public JsonElement Last { get; protected set; }

    /// <summary>The id under which the tenant knows the answer; null where chunks need none of us.</summary>
    public virtual string? AnswerId => null;

    /// <summary>How many numbered events were given.</summary>
    public virtual int Events => 0;

    /// <summary>The stream has said its last, whatever else may come.</summary>
    public virtual bool HasEnded => false;

    /// <summary>What of the stream failed in good order; null while nothing did.</summary>
    public virtual JsonElement? ErrorIn(JsonElement chunk)
        => chunk.ValueKind == JsonValueKind.Object && chunk.TryGetProperty("error", out var error) && error.ValueKind != JsonValueKind.Null ? error : null;

    /// <summary>Whether a stream that is over gave a whole answer.</summary>
    /// <param name="isDone">It ended with <c>[DONE]</c>.</param>
    public abstract bool IsWhole(bool isDone);

    /// <summary>What a whole answer lacks at its end, for the tenant; null when it lacks nothing.</summary>
    public virtual byte[]? End() => null;

    /// <summary>The bytes for the tenant; null when there is nothing to give yet. Throws for text that no JSON writer can write.</summary>
    public abstract byte[]? Read(JsonElement chunk);
}
