using System.Text.Json;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>The fields of an embeddings request.</summary>
internal static class EmbeddingFields
{
    public const int InputsMax = 2048;

    private const int DimensionsMax = 65_536;

    public static readonly RequestFields All = new(
        new(StringComparer.Ordinal)
        {
            ["input"] = [JsonValueKind.String, JsonValueKind.Array],
            ["dimensions"] = [JsonValueKind.Number],
        },
        new(StringComparer.Ordinal)
        {
            ["encoding_format"] = [JsonValueKind.String],
            ["metadata"] = [JsonValueKind.Object],
            // LiteLLM would keep budgets and blocks by it, for all teams together.
            ["user"] = [JsonValueKind.String],
        },
        []);

    /// <summary>The first fault, or null.</summary>
    public static (string Field, string Sentence)? FirstFault(JsonElement body)
        => All.KindFault(body)
           ?? (FieldChecks.Present(body, "input", out var input) ? Input(input) : ("input", "'input' must be a text, a list of texts, or token ids."))
           ?? FieldChecks.Count(body, "dimensions", 1, DimensionsMax)
           ?? (FieldChecks.Present(body, "encoding_format", out var format) && format.GetString() is not ("float" or "base64")
               ? ("encoding_format", "'encoding_format' must be float or base64.")
               : null);

    /// <summary>How many vectors a request asks for; tells nothing of one that is not checked.</summary>
    public static int CountInputs(JsonElement body)
        => FieldChecks.Present(body, "input", out var input) && input.ValueKind == JsonValueKind.Array && input.GetArrayLength() > 0 && input[0].ValueKind != JsonValueKind.Number
            ? input.GetArrayLength()
            : 1;

    /// <summary>How many token ids a checked input holds.</summary>
    public static int CountedTokens(JsonElement input)
        => input.ValueKind == JsonValueKind.Array
            ? input.EnumerateArray().Sum(item => item.ValueKind switch { JsonValueKind.Number => 1, JsonValueKind.Array => item.GetArrayLength(), _ => 0 })
            : 0;

    // "text", ["text", …], [1, 2, …], or [[1, 2, …], …].
    private static (string, string)? Input(JsonElement input)
    {
        if (input.ValueKind == JsonValueKind.String)
        {
            return input.GetString()!.Length > 0 ? null : ("input", "'input' cannot be an empty text.");
        }

        var count = input.GetArrayLength();
        if (count == 0 || (input[0].ValueKind != JsonValueKind.Number && count > InputsMax))
        {
            return ("input", $"'input' must hold 1 to {InputsMax} texts or lists of token ids.");
        }

        var kind = input[0].ValueKind;
        var areAlike = kind switch
        {
            JsonValueKind.String => input.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String && item.GetString()!.Length > 0),
            JsonValueKind.Number => input.EnumerateArray().All(IsToken),
            JsonValueKind.Array => input.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Array && item.GetArrayLength() > 0 && item.EnumerateArray().All(IsToken)),
            _ => false,
        };
        return areAlike ? null : ("input", "'input' must be a text, a list of texts that are not empty, a list of token ids, or a list of such lists.");
    }

    private static bool IsToken(JsonElement item) => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) && id >= 0;
}
