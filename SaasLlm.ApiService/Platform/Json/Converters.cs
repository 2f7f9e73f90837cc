using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Platform.Json;

/// <summary>A value that one of our converters refuses; its message is fit for the caller.</summary>
internal sealed class UnreadableValueException(string message) : JsonException(message);

/// <summary>Writes <c>149</c>, not <c>149.000000</c>.</summary>
internal sealed class PlainDecimalConverter : JsonConverter<decimal>
{
    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        => reader.TokenType == JsonTokenType.Number && reader.TryGetDecimal(out var value)
            ? value
            : throw new UnreadableValueException("Expected a number that fits.");

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options)
        => writer.WriteNumberValue(Money.Trim(value));
}

/// <summary>Refuses what Postgres cannot store in a text: NUL, and halves of surrogate pairs.</summary>
internal sealed class StorableStringConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            throw new UnreadableValueException("Expected a text.");
        }

        return Storable(ref reader);
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        => Storable(ref reader);

    public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
        => writer.WritePropertyName(value);

    private static string Storable(ref Utf8JsonReader reader)
    {
        string text;
        try
        {
            text = reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new UnreadableValueException("A text is not valid Unicode.");
        }

        return text.Contains('\0') ? throw new UnreadableValueException("A text may not hold the NUL character.") : text;
    }
}

/// <summary>Writes RFC 3339 in UTC with <c>Z</c>; reads any offset.</summary>
internal sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        => reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var value)
            ? value.ToUniversalTime()
            : throw new UnreadableValueException("Expected a time such as 2026-01-31T12:00:00Z.");

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
        => writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture));
}
