using System.Globalization;
using System.Text.Json;
using FluentValidation;

namespace SaasLlm.ApiService.Platform.Json;

/// <summary>What a caller's own <c>metadata</c> may be: a JSON object that Postgres can store, of bounded size.</summary>
internal static class MetadataRules
{
    public const int MaxBytes = 16 * 1024;

    private const int DigitsMax = 1000;

    public static IRuleBuilderOptions<T, JsonElement?> IsMetadata<T>(this IRuleBuilder<T, JsonElement?> rule)
        => rule
            .Must(metadata => metadata is not { } value || FaultOf(value) is null)
            .WithMessage((_, metadata) => FaultOf(metadata!.Value)!);

    /// <summary>What is wrong with it, as the end of a sentence; null where nothing is. JSON's null passes.</summary>
    public static string? FaultOf(JsonElement metadata)
        => metadata.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null) ? "must be a JSON object"
            : System.Text.Encoding.UTF8.GetByteCount(metadata.GetRawText()) > MaxBytes ? $"must not be larger than {MaxBytes} bytes"
            : !IsStorable(metadata) ? $"must not hold NUL characters, halves of surrogate pairs, or numbers beyond 1e308 or of more than {DigitsMax} digits"
            : null;

    /// <summary>The object's text, <c>{}</c> when there is none.</summary>
    public static string Text(JsonElement? metadata)
        => metadata is { ValueKind: JsonValueKind.Object } value ? value.GetRawText() : "{}";

    public static bool IsStorable(JsonElement value)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.String => !value.GetString()!.Contains('\0'),
                JsonValueKind.Number => IsStorable(value.GetRawText()),
                JsonValueKind.Array => value.EnumerateArray().All(IsStorable),
                JsonValueKind.Object => value.EnumerateObject().All(member => !member.Name.Contains('\0') && IsStorable(member.Value)),
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false; // half of a surrogate pair
        }
    }

    // Postgres keeps the number of a jsonb as numeric, which has an end: 1e999999 is an error there, and so is one of 16 300 digits and e-308.
    public static bool IsStorable(string number)
    {
        if (number.Length > DigitsMax)
        {
            return false;
        }

        var exponent = number.AsSpan()[(number.AsSpan().IndexOfAny('e', 'E') + 1)..];
        return exponent.Length == number.Length
               || (int.TryParse(exponent, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var power) && power is >= -308 and <= 308);
    }
}
