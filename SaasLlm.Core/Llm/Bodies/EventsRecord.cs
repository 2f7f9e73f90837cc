using System.Buffers;
using System.Text.Json;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>A streamed response: its last event holds it whole; of one that broke off, the events that were sent, as a list.</summary>
internal sealed class EventsRecord : IStreamRecord
{
    private readonly ArrayBufferWriter<byte> _events = new(1024);
    private bool _isForgotten;

    public int Bytes { get; private set; }

    // Frames as they are sent: "event: response.created\ndata: {…}\n\n". Our JSON has no line breaks.
    public void Add(ReadOnlyMemory<byte> chunk)
    {
        var rest = chunk.Span;
        while (rest.IndexOf("data: "u8) is >= 0 and var start)
        {
            rest = rest[(start + "data: "u8.Length)..];
            var end = rest.IndexOf((byte)'\n');
            Bytes += end + 1;
            if (!_isForgotten)
            {
                _events.Write(_events.WrittenCount == 0 ? "["u8 : ","u8);
                _events.Write(rest[..end]);
            }

            rest = rest[end..];
        }
    }

    public void Forget()
    {
        _isForgotten = true;
        _events.ResetWrittenCount();
    }

    public JsonElement Whole(JsonElement last)
    {
        if (last.ValueKind == JsonValueKind.Object)
        {
            return last.GetProperty("response");
        }

        if (_events.WrittenCount == 0)
        {
            return default;
        }

        return JsonElement.Parse([.. _events.WrittenSpan, (byte)']']);
    }
}
