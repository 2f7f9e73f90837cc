using System.Buffers;
using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Answers;

namespace SaasLlm.Core.Llm.Streaming;

/// <summary>
/// Reads the chunks of one upstream stream and writes each anew: the model is the group's name, the id the call's, the role comes once;
/// the provider's own fields, cost and fingerprint are dropped. Usage is kept back.
/// </summary>
internal sealed class ChunkReader(CallId callId, string modelGroup, DateTimeOffset createdAt) : AnswerReader
{
    private readonly ArrayBufferWriter<byte> _buffer = new(512);
    private readonly HashSet<int> _spoken = [];
    private readonly HashSet<int> _finished = [];
    private readonly StreamedCalls _calls = new();
    private readonly string _id = $"chatcmpl-{callId.Value:N}";
    private readonly long _created = createdAt.ToUnixTimeSeconds();

    // LiteLLM ends broken streams in good order: a [DONE] alone proves nothing, but without one the stream was cut.
    public override bool IsWhole(bool isDone) => isDone && HasContent;

    public override byte[]? Read(JsonElement chunk)
    {
        if (AnswerContent.Usage(chunk) is { } usage)
        {
            Usage = usage;
            GatewayCostUsd = GatewayCost.Read(chunk) ?? GatewayCostUsd;
        }

        UpstreamId ??= AnswerContent.UpstreamId(chunk);
        if (chunk.ValueKind != JsonValueKind.Object || !chunk.TryGetProperty("choices", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var choices = list.EnumerateArray().Select(ChunkChoice.Read).OfType<ChunkChoice>().ToList();
        TextBytes += choices.Sum(choice => choice.TextBytes);
        HasContent |= choices.Any(choice => choice.IsContent);
        // The empty chunk with the role comes first, and says nothing yet: the answer may still be another model's.
        return HasContent && choices.Any(choice => choice.IsWorthSending) ? Write(choices) : null;
    }

    // LiteLLM loses the end of every choice but the first, and clients take an answer without one for broken, or wait for it.
    public override byte[]? End()
        => _spoken.Order().Where(index => !_finished.Contains(index)).Select(index => ChunkChoice.End(index, _calls.FinishReason(index))).ToList()
            is { Count: > 0 } missing
            ? Write(missing)
            : null;

    private byte[] Write(List<ChunkChoice> choices)
    {
        _buffer.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("id", _id);
            writer.WriteString("object", "chat.completion.chunk");
            writer.WriteNumber("created", _created);
            writer.WriteString("model", modelGroup);
            writer.WriteStartArray("choices");
            foreach (var choice in choices.Where(choice => choice.IsWorthSending))
            {
                choice.Write(writer, hasRole: _spoken.Add(choice.Index), _calls);
                if (choice.FinishReason is not null)
                {
                    _finished.Add(choice.Index);
                }
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return _buffer.WrittenSpan.ToArray();
    }
}
