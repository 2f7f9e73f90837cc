using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

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

    // Dividing by a 1 with 28 zeros drops the scale that is not needed.
    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options)
        => writer.WriteNumberValue(value / 1.0000000000000000000000000000m);
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

        string? text;
        try
        {
            text = reader.GetString();
        }
        catch (InvalidOperationException)
        {
            throw new UnreadableValueException("A text holds half of a surrogate pair.");
        }

        return text is not null && text.Contains('\0') ? throw new UnreadableValueException("A text may not hold the NUL character.") : text;
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        => reader.GetString()!;

    public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
        => writer.WritePropertyName(value);
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
