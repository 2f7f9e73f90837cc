using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>
/// Pictures that are in the request itself. Providers bill a picture by its size in pixels, up to a limit, and its base64 is far longer than
/// that. Only the address of a picture's own part counts so, and only a <c>data:image/</c> one: no text can hide in it.
/// </summary>
internal static class InlinePictures
{
    /// <summary>
    /// The most tokens that a picture is counted as. The dearest known is gpt-4o-mini's (OpenAI's guide to images and vision): 2 833, and
    /// 5 667 for each of at most eight tiles, 48 169 together.
    /// </summary>
    public const int TokensMax = 49_152;

    // As a JSON writer escapes it, a byte may become six.
    private const int EscapedMax = 6;

    /// <summary>The addresses in a checked chat's messages, of whatever kind.</summary>
    public static IEnumerable<JsonElement> OfMessages(JsonElement messages)
        => from message in messages.EnumerateArray()
           from part in PartsOf(message, "content")
           where FieldChecks.Text(part, "type") == "image_url" && part.TryGetProperty("image_url", out _)
           let image = part.GetProperty("image_url")
           from address in image.ValueKind == JsonValueKind.Object ? Member(image, "url") : [image]
           select address;

    /// <summary>The addresses in a checked response's input, of whatever kind.</summary>
    public static IEnumerable<JsonElement> OfItems(JsonElement input)
        => from item in input.ValueKind == JsonValueKind.Array ? input.EnumerateArray() : default
           from part in ResponseInputChecks.TypeOf(item) switch
           {
               "message" => PartsOf(item, "content"),
               "function_call_output" or "custom_tool_call_output" => PartsOf(item, "output"),
               _ => default,
           }
           where FieldChecks.Text(part, "type") == "input_image"
           from address in Member(part, "image_url")
           select address;

    /// <summary>How many of the address' bytes, as they are written, are no tokens.</summary>
    public static long BytesNotCounted(JsonElement address, int bytesPerToken)
    {
        var countedMax = TokensMax * bytesPerToken;
        if (address.ValueKind != JsonValueKind.String
            || JsonMarshal.GetRawUtf8Value(address).Length * (long)EscapedMax <= countedMax
            || !address.GetString()!.StartsWith("data:image/", StringComparison.Ordinal))
        {
            return 0;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer);
        address.WriteTo(writer);
        return Math.Max(0, writer.BytesCommitted + writer.BytesPending - countedMax);
    }

    private static JsonElement.ArrayEnumerator PartsOf(JsonElement owner, string name)
        => owner.TryGetProperty(name, out var content) && content.ValueKind == JsonValueKind.Array ? content.EnumerateArray() : default;

    private static IEnumerable<JsonElement> Member(JsonElement owner, string name) => owner.TryGetProperty(name, out var value) ? [value] : [];
}
