using System.Text.Json;
using SaasLlm.Core.Credits;

namespace SaasLlm.Core.Llm.Answers;

/// <summary>Reads what a good answer holds; tolerant of every shape, and throws nothing but what a lone surrogate makes the JSON reader throw.</summary>
public static class AnswerContent
{
    private static readonly string[] s_said = ["content", "refusal", "reasoning_content", "tool_calls", "function_call"];

    /// <summary>
    /// True if a chat completion holds something to give: text, a tool call, a refusal, audio, a filtered answer.
    /// An error in a 200, an empty list of choices and a body of another shape hold nothing.
    /// </summary>
    public static bool HasResult(JsonElement root)
        => root.ValueKind == JsonValueKind.Object
           && (!root.TryGetProperty("error", out var error) || error.ValueKind == JsonValueKind.Null)
           && Array(root, "choices") is { } choices
           && choices.EnumerateArray().Any(ChoiceHasResult);

    /// <summary>Tokens by class; null when the answer says nothing of them. Numbers that cannot be are taken for absent.</summary>
    public static TokenUsage? Usage(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("usage", out var usage) || usage.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var input = Count(usage, "prompt_tokens");
        var output = Count(usage, "completion_tokens");
        // LiteLLM writes zeros where the provider said nothing: no call has neither input nor output.
        if ((input ?? 0) == 0 && (output ?? 0) == 0)
        {
            return null;
        }

        var cached = Math.Min(Detail(usage, "prompt_tokens_details", "cached_tokens"), input ?? 0);
        var reasoning = Detail(usage, "completion_tokens_details", "reasoning_tokens");
        return new(input ?? 0, cached, output ?? 0, Math.Min(reasoning, output ?? 0), Math.Min(CacheWrite(usage, "prompt_tokens_details"), (input ?? 0) - cached));
    }

    /// <summary>LiteLLM's name for what Anthropic stores for later; its versions put it in one place or the other, or in both.</summary>
    /// <param name="details">The member of <paramref name="usage"/> that divides the input up.</param>
    internal static long CacheWrite(JsonElement usage, string details)
        => Detail(usage, details, "cache_creation_tokens") is > 0 and var written
            ? written
            : Count(usage, "cache_creation_input_tokens") ?? 0;

    /// <summary>Bytes of what an answer says: texts and tool calls. For counting what nobody counted.</summary>
    public static long TextBytes(JsonElement root)
        => root.ValueKind == JsonValueKind.Object && Array(root, "choices") is { } choices
            ? choices.EnumerateArray().Where(choice => choice.ValueKind == JsonValueKind.Object)
                .Sum(choice => choice.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.Object ? MessageBytes(message) : 0)
            : root.ValueKind == JsonValueKind.Object && Array(root, "output") is { } output ? System.Text.Encoding.UTF8.GetByteCount(output.GetRawText()) : 0;

    private static long MessageBytes(JsonElement message)
        => s_said.Sum(name => message.TryGetProperty(name, out var said) && said.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined)
                ? (long)System.Text.Encoding.UTF8.GetByteCount(said.GetRawText())
                : 0);

    /// <summary>The upstream's own id of the answer; not unique: a cached answer repeats it.</summary>
    public static string? UpstreamId(JsonElement root)
        => root.ValueKind == JsonValueKind.Object && root.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String
            ? Shortened(id)
            : null;

    private static string? Shortened(JsonElement id)
    {
        try
        {
            return id.GetString() is { Length: <= 200 } text ? text.Replace("\0", "", StringComparison.Ordinal) : null;
        }
        catch (InvalidOperationException)
        {
            return null; // half a surrogate pair
        }
    }

    /// <summary>The model's refusal. LiteLLM moves it: <c>"provider_specific_fields": {"refusal": "I cannot."}</c>.</summary>
    public static string? Refusal(JsonElement message)
        => Text(message, "refusal")
           ?? (message.TryGetProperty("provider_specific_fields", out var moved) && moved.ValueKind == JsonValueKind.Object ? Text(moved, "refusal") : null);

    private static bool ChoiceHasResult(JsonElement choice)
    {
        if (choice.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        if (Text(choice, "finish_reason") == "content_filter")
        {
            return true;
        }

        return choice.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.Object
            && (HasText(message, "content") || Refusal(message) is { Length: > 0 }
                || Array(message, "tool_calls") is { } calls && calls.GetArrayLength() > 0
                || IsObject(message, "function_call") || IsObject(message, "audio"));
    }

    private static bool HasText(JsonElement message, string name)
        => message.TryGetProperty(name, out var value) && value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!.Length > 0,
            JsonValueKind.Array => value.GetArrayLength() > 0,
            _ => false,
        };

    private static bool IsObject(JsonElement element, string name)
        => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object;

    private static JsonElement? Array(JsonElement element, string name)
        => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array ? value : null;

    private static string? Text(JsonElement element, string name)
        => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long Detail(JsonElement usage, string group, string name)
        => usage.TryGetProperty(group, out var details) && details.ValueKind == JsonValueKind.Object ? Count(details, name) ?? 0 : 0;

    private static long? Count(JsonElement element, string name)
        => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
           && value.TryGetInt64(out var count) && count is >= 0 and <= 1_000_000_000_000
            ? count
            : null;
}
