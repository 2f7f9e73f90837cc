using System.Text.Json;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>A batch's input as placeholders see it.</summary>
internal static class BatchInput
{
    /// <summary>The text at <paramref name="path"/>: of a text itself, of null nothing, of all else its JSON. Null: there is no such member.</summary>
    public static string? TextAt(JsonElement input, IReadOnlyList<string> path)
    {
        foreach (var name in path)
        {
            if (input.ValueKind != JsonValueKind.Object || !input.TryGetProperty(name, out input))
            {
                return null;
            }
        }

        return input.ValueKind switch
        {
            JsonValueKind.String => input.GetString()!,
            JsonValueKind.Null => "",
            _ => input.GetRawText(),
        };
    }
}
