using System.Buffers;
using System.Text.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>
/// A legacy completion's body, made a chat request: its prompt is the one message. LiteLLM does the same for every model that is not of the
/// old kind, and says of a stream of the old kind that it used nothing.
/// </summary>
internal static class PromptRequest
{
    private static readonly HashSet<string> s_passedOn =
        ["max_tokens", "temperature", "top_p", "n", "stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "user", "metadata"];

    // What chat has no word for: taken where it changes nothing.
    private static readonly Dictionary<string, Func<JsonElement, bool>> s_neutral = new(StringComparer.Ordinal)
    {
        ["echo"] = value => value.ValueKind == JsonValueKind.False,
        ["best_of"] = value => value.ValueKind == JsonValueKind.Number && value.GetRawText() == "1",
        ["suffix"] = value => value.ValueKind == JsonValueKind.String && value.GetString()!.Length == 0,
        ["logprobs"] = _ => false,
    };

    /// <summary>The chat request. 400 names the field that cannot be served.</summary>
    public static Result<ModelRequest> ToChat(ModelRequest request)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var hasPrompt = false;
        try
        {
            using var writer = new Utf8JsonWriter(buffer);
            writer.WriteStartObject();
            foreach (var field in request.Fields.EnumerateObject().Where(field => field.Value.ValueKind != JsonValueKind.Null))
            {
                if (field.Name == "prompt" && PromptOf(field.Value) is { } prompt)
                {
                    hasPrompt = true;
                    WriteMessages(writer, prompt);
                }
                else if (s_neutral.TryGetValue(field.Name, out var isNeutral) ? !isNeutral(field.Value) : field.Name == "prompt")
                {
                    return Refuse("llm.invalid_request", field.Name, field.Name == "prompt"
                        ? "'prompt' must be a text, or a list of one."
                        : $"'{field.Name}' is not offered for completions.");
                }
                else if (s_passedOn.Contains(field.Name))
                {
                    field.WriteTo(writer);
                }
                else if (!s_neutral.ContainsKey(field.Name))
                {
                    var name = field.Name.Length <= 100 ? field.Name : field.Name[..100];
                    return Refuse("llm.unknown_field", name, $"Unrecognized request argument supplied: {name}");
                }
            }

            writer.WriteEndObject();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            return Refuse("llm.invalid_request", "body", "The body holds text that is not Unicode.");
        }

        return hasPrompt
            ? request with { Fields = JsonElement.Parse(buffer.WrittenSpan) }
            : Refuse("llm.invalid_request", "prompt", "'prompt' must be a text, or a list of one.");
    }

    private static string? PromptOf(JsonElement prompt) => prompt.ValueKind switch
    {
        JsonValueKind.String => prompt.GetString(),
        JsonValueKind.Array when prompt.GetArrayLength() == 1 && prompt[0].ValueKind == JsonValueKind.String => prompt[0].GetString(),
        _ => null,
    };

    private static void WriteMessages(Utf8JsonWriter writer, string prompt)
    {
        writer.WriteStartArray("messages");
        writer.WriteStartObject();
        writer.WriteString("role", "user");
        writer.WriteString("content", prompt);
        writer.WriteEndObject();
        writer.WriteEndArray();
    }

    private static Failure Refuse(string code, string field, string sentence)
        => new(FailureKind.Invalid, code, sentence) { Details = new Dictionary<string, object?> { ["param"] = field } };
}
