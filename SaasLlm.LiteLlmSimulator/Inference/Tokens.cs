using System.Text;
using System.Text.Json;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>The simulator's rule: four bytes of UTF-8 are a token, begun ones count; nothing else is counted.</summary>
internal static class Tokens
{
    public const int BytesEach = 4;

    public static int Count(string text) => (Encoding.UTF8.GetByteCount(text) + BytesEach - 1) / BytesEach;

    /// <summary>The text of a message, a prompt or an input: strings, and the <c>text</c> of content parts.</summary>
    public static string TextOf(JsonElement content) => content.ValueKind switch
    {
        JsonValueKind.String => content.GetString()!,
        JsonValueKind.Array => string.Concat(content.EnumerateArray().Select(TextOf)),
        JsonValueKind.Object when content.Has("text", out var text) => TextOf(text),
        JsonValueKind.Object when content.Has("content", out var inner) => TextOf(inner),
        _ => "",
    };

    /// <summary>The start of a text that is so many tokens long; letters are not cut in two.</summary>
    public static string Limit(string text, int tokens)
    {
        var bytes = 0;
        var length = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > tokens * BytesEach)
            {
                break;
            }

            length += rune.Utf16SequenceLength;
        }

        return text[..length];
    }
}
