using System.Text.Json;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Reads what a step was answered: a chat completion of ours.</summary>
internal static class StepOutput
{
    /// <summary>The text of the first choice; empty where it has none, as for a call of a tool.</summary>
    public static string Text(JsonElement response)
        => response.TryGetProperty("choices", out var choices) && choices.ValueKind == JsonValueKind.Array
           && choices.EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } first
           && first.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.Object
           && message.TryGetProperty("content", out var content)
            ? TextOf(content)
            : "";

    private static string TextOf(JsonElement content) => content.ValueKind switch
    {
        JsonValueKind.String => content.GetString()!,
        JsonValueKind.Array => string.Concat(content.EnumerateArray()
            .Where(part => part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
            .Select(part => part.GetProperty("text").GetString())),
        _ => "",
    };
}
