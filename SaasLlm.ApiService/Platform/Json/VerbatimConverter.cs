using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SaasLlm.ApiService.Platform.Json;

/// <summary>Writes JSON as it came: a text that is as deep as is allowed would be too deep inside another.</summary>
internal sealed class VerbatimConverter : JsonConverter<JsonElement?>
{
    public override JsonElement? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => JsonElement.ParseValue(ref reader);

    public override void Write(Utf8JsonWriter writer, JsonElement? value, JsonSerializerOptions options)
    {
        if (value is { } json)
        {
            writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(json), skipInputValidation: true);
        }
        else
        {
            writer.WriteNullValue();
        }
    }
}
