using System.Buffers;
using System.Text.Json;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>Puts the chunks of a chat together to the completion that they are parts of, as far as it came.</summary>
internal sealed class ChunksRecord : IStreamRecord
{
    private readonly SortedDictionary<int, SaidChoice> _choices = [];
    private JsonElement _first;
    private bool _isForgotten;

    public int Bytes { get; private set; }

    public void Add(ReadOnlyMemory<byte> chunk)
    {
        var root = JsonElement.Parse(chunk.Span);
        if (_first.ValueKind == JsonValueKind.Undefined)
        {
            _first = root;
        }

        foreach (var choice in root.GetProperty("choices").EnumerateArray())
        {
            Bytes += (_isForgotten ? new SaidChoice() : Said(choice.GetProperty("index").GetInt32())).Add(choice);
        }
    }

    public void Forget()
    {
        _isForgotten = true;
        _choices.Clear();
    }

    public JsonElement Whole(JsonElement last)
    {
        if (_first.ValueKind == JsonValueKind.Undefined)
        {
            return default;
        }

        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("id", _first.GetProperty("id").GetString());
            writer.WriteString("object", "chat.completion");
            writer.WriteNumber("created", _first.GetProperty("created").GetInt64());
            writer.WriteString("model", _first.GetProperty("model").GetString());
            writer.WriteStartArray("choices");
            foreach (var (index, said) in _choices)
            {
                said.Write(writer, index);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private SaidChoice Said(int index)
    {
        if (!_choices.TryGetValue(index, out var said))
        {
            _choices[index] = said = new();
        }

        return said;
    }
}
