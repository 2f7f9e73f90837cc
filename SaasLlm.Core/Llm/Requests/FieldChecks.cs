using System.Text.Json;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>The values that must be right before money is spent: what we interpret, and what could reach further than the model.</summary>
internal static class FieldChecks
{
    public const int ChoicesMax = 128;

    /// <summary>The first fault, or null.</summary>
    public static (string Field, string Sentence)? FirstFault(JsonElement body, GroupSettings settings)
        => ChatFields.All.KindFault(body)
           ?? MessageChecks.FirstFault(body, settings)
           ?? Count(body, "n", 1, ChoicesMax)
           ?? Count(body, "max_tokens", 1, settings.OutputTokensMax ?? int.MaxValue)
           ?? Count(body, "max_completion_tokens", 1, settings.OutputTokensMax ?? int.MaxValue)
           ?? Range(body, "temperature", 0, settings.TemperatureMax ?? 2)
           ?? Range(body, "top_p", 0, 1)
           ?? ToolChecks.FirstFault(body, settings)
           ?? Modalities(body);

    /// <summary>True if the field is there and not null.</summary>
    public static bool Present(JsonElement body, string name, out JsonElement value)
        => body.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>The text of a member, or null.</summary>
    public static string? Text(JsonElement element, string name)
        => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static (string, string)? Modalities(JsonElement body)
        => Present(body, "modalities", out var modalities)
           && modalities.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String || item.GetString() != "text")
            ? ("modalities", "Only the modality 'text' is offered.")
            : null;

    /// <summary>The fault of a whole number, or null.</summary>
    public static (string Field, string Sentence)? Count(JsonElement body, string name, int min, int max)
        => Present(body, name, out var value) && (!value.TryGetInt32(out var number) || number < min || number > max)
            ? (name, $"'{name}' must be a whole number from {min} to {max}.")
            : null;

    /// <summary>A whole number that was checked, or null.</summary>
    public static int? Number(JsonElement body, string name) => Present(body, name, out var value) ? value.GetInt32() : null;

    /// <summary>The fault of a number, or null.</summary>
    public static (string Field, string Sentence)? Range(JsonElement body, string name, decimal min, decimal max)
        => Present(body, name, out var value) && (!value.TryGetDecimal(out var number) || number < min || number > max)
            ? (name, $"'{name}' must be a number from {min} to {max}.")
            : null;
}
