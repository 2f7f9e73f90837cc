using System.Buffers.Binary;
using System.Text.Json;

namespace SaasLlm.Core.Llm.Formats;

/// <summary>Writes a vector as numbers or as base64 of little-endian 32-bit floats, whichever of them it is.</summary>
internal static class VectorWriter
{
    public static void Write(Utf8JsonWriter writer, string name, JsonElement vector, bool isBase64)
    {
        if (isBase64 == (vector.ValueKind == JsonValueKind.String))
        {
            writer.WritePropertyName(name);
            vector.WriteTo(writer);
        }
        else if (isBase64)
        {
            writer.WriteBase64String(name, Bytes(vector));
        }
        else
        {
            WriteNumbers(writer, name, vector.GetBytesFromBase64());
        }
    }

    private static byte[] Bytes(JsonElement numbers)
    {
        var bytes = new byte[numbers.GetArrayLength() * sizeof(float)];
        var position = 0;
        foreach (var number in numbers.EnumerateArray())
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(position), number.GetSingle());
            position += sizeof(float);
        }

        return bytes;
    }

    private static void WriteNumbers(Utf8JsonWriter writer, string name, byte[] bytes)
    {
        writer.WriteStartArray(name);
        for (var position = 0; position < bytes.Length; position += sizeof(float))
        {
            writer.WriteNumberValue(BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(position)));
        }

        writer.WriteEndArray();
    }
}
