using System.Text.Json;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Answers;

namespace SaasLlm.Core.Llm.Responses;

/// <summary>Reads what an answer of the responses API holds; tolerant of every shape.</summary>
internal static class ResponseContent
{
    private const long CountMax = 1_000_000_000_000;

    /// <summary>True if it holds something to give: text, a refusal, a call of a tool, or that it was filtered.</summary>
    public static bool HasResult(JsonElement response)
        => Text(response, "status") is "completed" or "incomplete"
           && (Filtered(response) || (Find(response, "output", JsonValueKind.Array) is { } output && output.EnumerateArray().Any(ItemHasResult)));

    /// <summary>Tokens by class; null when the answer says nothing of them. Numbers that cannot be are taken for absent.</summary>
    public static TokenUsage? Usage(JsonElement response)
    {
        if (Find(response, "usage", JsonValueKind.Object) is not { } usage)
        {
            return null;
        }

        var (input, output) = (Count(usage, "input_tokens") ?? 0, Count(usage, "output_tokens") ?? 0);
        // No response has neither: zeros stand where nobody said anything.
        if (input == 0 && output == 0)
        {
            return null;
        }

        var cached = Math.Min(Detail(usage, "input_tokens_details", "cached_tokens"), input);
        return new(
            input, cached, output, Math.Min(Detail(usage, "output_tokens_details", "reasoning_tokens"), output),
            Math.Min(AnswerContent.CacheWrite(usage, "input_tokens_details"), input - cached));
    }

    public static string? Text(JsonElement element, string name) => Find(element, name, JsonValueKind.String)?.GetString();

    public static JsonElement? Find(JsonElement element, string name, JsonValueKind kind)
        => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == kind ? value : null;

    private static bool Filtered(JsonElement response)
        => Find(response, "incomplete_details", JsonValueKind.Object) is { } details && Text(details, "reason") == "content_filter";

    private static bool ItemHasResult(JsonElement item) => Text(item, "type") switch
    {
        null or "reasoning" => false,
        "message" => Find(item, "content", JsonValueKind.Array) is { } content
            && content.EnumerateArray().Any(part => Text(part, "text") is { Length: > 0 } || Text(part, "refusal") is { Length: > 0 }),
        _ => true,
    };

    private static long Detail(JsonElement usage, string group, string name)
        => Find(usage, group, JsonValueKind.Object) is { } details ? Count(details, name) ?? 0 : 0;

    private static long? Count(JsonElement element, string name)
        => Find(element, name, JsonValueKind.Number) is { } value && value.TryGetInt64(out var count) && count is >= 0 and <= CountMax ? count : null;
}
