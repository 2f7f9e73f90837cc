using System.Text.Json;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>What one choice said so far.</summary>
internal sealed class SaidChoice
{
    private readonly SaidObject _message = new();
    private readonly SaidObject _logprobs = new();
    private string? _finishReason;

    /// <summary>One of a chunk's choices; how many bytes longer the answer is with it.</summary>
    public int Add(JsonElement choice)
    {
        var bytes = _message.Add(choice.GetProperty("delta"));
        if (choice.TryGetProperty("logprobs", out var logprobs) && logprobs.ValueKind == JsonValueKind.Object)
        {
            bytes += _logprobs.Add(logprobs);
        }

        _finishReason = choice.GetProperty("finish_reason").GetString() ?? _finishReason;
        return bytes;
    }

    public void Write(Utf8JsonWriter writer, int index)
    {
        writer.WriteStartObject();
        writer.WriteNumber("index", index);
        writer.WritePropertyName("message");
        _message.Write(writer);
        if (!_logprobs.IsEmpty)
        {
            writer.WritePropertyName("logprobs");
            _logprobs.Write(writer);
        }

        writer.WriteString("finish_reason", _finishReason);
        writer.WriteEndObject();
    }
}
