using System.Buffers;
using System.Text.Json;

namespace SaasLlm.ApiService.Llm;

/// <summary>The fields of a call's body that are the model's.</summary>
internal static class BodyFields
{
    /// <summary>The object without the fields whose name is one of ours.</summary>
    /// <exception cref="InvalidOperationException">It holds text that is not Unicode.</exception>
    public static JsonElement Without(this JsonElement body, Func<string, bool> isOurs)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var field in body.EnumerateObject().Where(field => !isOurs(field.Name)))
            {
                field.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }
}
