using System.Buffers;
using System.Text;
using System.Text.Json;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Streaming;
using static SaasLlm.Core.Llm.Responses.ResponseContent;

namespace SaasLlm.Core.Llm.Responses;

/// <summary>
/// Reads the events of a streamed response and writes each anew, framed with its name and numbered from 0. What comes before the first
/// content is kept back until then; the last event until the call is saved.
/// </summary>
internal sealed class ResponseReader(ResponseWriter response) : AnswerReader
{
    private static readonly string[] s_numbers = ["output_index", "content_index", "summary_index", "annotation_index"];
    private static readonly string[] s_texts = ["delta", "text", "refusal", "arguments", "input", "name"];

    private readonly ArrayBufferWriter<byte> _frames = new(512);
    private JsonElement _begun;
    private bool _isWhole;
    private int _number;

    public override string? AnswerId => response.Id(ResponseContent.Text(_begun, "id"));

    public override int Events => _number;

    public override bool HasEnded => Last.ValueKind == JsonValueKind.Object;

    /// <summary>A response that is over and holds nothing is no answer.</summary>
    public override bool IsWhole(bool isDone) => _isWhole;

    public override JsonElement? ErrorIn(JsonElement chunk) => Text(chunk, "type") switch
    {
        "response.failed" => Find(chunk, "response", JsonValueKind.Object) is { } failed && Find(failed, "error", JsonValueKind.Object) is { } error ? error : chunk,
        "error" => Find(chunk, "error", JsonValueKind.Object) ?? chunk,
        _ => base.ErrorIn(chunk),
    };

    public override byte[]? Read(JsonElement chunk)
    {
        switch (Text(chunk, "type"))
        {
            case "response.created" or "response.in_progress" or "response.queued":
                Begin(chunk);
                return null;
            case "response.completed" or "response.incomplete":
                return End(chunk);
            case { } type when type.StartsWith("response.", StringComparison.Ordinal):
                EnsureBegun();
                Write(type, writer => WriteMembers(writer, chunk));
                TextBytes += type.EndsWith(".delta", StringComparison.Ordinal) && Text(chunk, "delta") is { } said ? Encoding.UTF8.GetByteCount(said) : 0;
                HasContent |= IsContent(chunk, type);
                return HasContent ? Flush() : null;
            default:
                return null;
        }
    }

    private static bool IsContent(JsonElement chunk, string type)
        => (type.EndsWith(".delta", StringComparison.Ordinal) && Text(chunk, "delta") is { Length: > 0 })
           || (type == "response.output_item.added" && Find(chunk, "item", JsonValueKind.Object) is { } item && Text(item, "type") is not (null or "message" or "reasoning"));

    private void Begin(JsonElement chunk)
    {
        var begun = Find(chunk, "response", JsonValueKind.Object) ?? default;
        UpstreamId ??= Answers.AnswerContent.UpstreamId(begun);
        if (_begun.ValueKind == JsonValueKind.Undefined)
        {
            _begun = begun;
        }
    }

    // Written here and not when they come: a server may leave them out, and its clients count on them.
    private void EnsureBegun()
    {
        if (_number > 0)
        {
            return;
        }

        foreach (var type in new[] { "response.created", "response.in_progress" })
        {
            Write(type, writer =>
            {
                writer.WritePropertyName("response");
                response.Write(writer, _begun, "in_progress", hasOutput: false, usage: null);
            });
        }
    }

    private byte[]? End(JsonElement chunk)
    {
        var whole = Find(chunk, "response", JsonValueKind.Object) ?? default;
        Begin(chunk);
        EnsureBegun();
        Usage = ResponseContent.Usage(whole);
        GatewayCostUsd = Answers.GatewayCost.Read(whole);
        _isWhole = HasContent || HasResult(whole);
        HasContent |= _isWhole;
        var type = Text(whole, "status") == "incomplete" ? "response.incomplete" : "response.completed";
        Last = Event(type, writer =>
        {
            writer.WritePropertyName("response");
            response.Write(writer, whole, type["response.".Length..], hasOutput: true, Usage);
        });
        return HasContent ? Flush() : null;
    }

    private byte[]? Flush()
    {
        if (_frames.WrittenCount == 0)
        {
            return null;
        }

        var frames = _frames.WrittenSpan.ToArray();
        _frames.ResetWrittenCount();
        return frames;
    }

    private void Write(string type, Action<Utf8JsonWriter> members)
    {
        var happened = Event(type, members);
        _frames.Write(Encoding.UTF8.GetBytes($"event: {type}\ndata: {happened.GetRawText()}\n\n"));
    }

    private JsonElement Event(string type, Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("type", type);
            writer.WriteNumber("sequence_number", _number++);
            members(writer);
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private void WriteMembers(Utf8JsonWriter writer, JsonElement chunk)
    {
        if (Text(chunk, "item_id") is { } item)
        {
            writer.WriteString("item_id", response.Id(item));
        }

        foreach (var name in s_numbers)
        {
            if (Find(chunk, name, JsonValueKind.Number) is { } number)
            {
                writer.WritePropertyName(name);
                number.WriteTo(writer);
            }
        }

        foreach (var name in s_texts)
        {
            if (Text(chunk, name) is { } text)
            {
                writer.WriteString(name, text);
            }
        }

        WriteObjects(writer, chunk);
    }

    private void WriteObjects(Utf8JsonWriter writer, JsonElement chunk)
    {
        if (Find(chunk, "item", JsonValueKind.Object) is { } item)
        {
            writer.WritePropertyName("item");
            ResponseItems.Write(writer, item, response.Id);
        }

        if (Find(chunk, "part", JsonValueKind.Object) is { } part)
        {
            writer.WritePropertyName("part");
            ResponseItems.WritePart(writer, part);
        }

        if (Find(chunk, "annotation", JsonValueKind.Object) is { } annotation)
        {
            writer.WritePropertyName("annotation");
            annotation.WriteTo(writer);
        }

        if (Text(chunk, "type") is "response.output_text.delta" or "response.output_text.done")
        {
            writer.WritePropertyName("logprobs");
            if (Find(chunk, "logprobs", JsonValueKind.Array) is { } logprobs)
            {
                logprobs.WriteTo(writer);
            }
            else
            {
                writer.WriteRawValue("[]"u8);
            }
        }
    }
}
