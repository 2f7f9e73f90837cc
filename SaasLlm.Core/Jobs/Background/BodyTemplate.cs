using System.Buffers;
using System.Text;
using System.Text.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>
/// A call's body whose texts hold placeholders. What is put in becomes part of a JSON text and is never read again: neither its quotes nor
/// its braces mean anything.
/// </summary>
internal static class BodyTemplate
{
    /// <summary>Bytes of UTF-8 that one placeholder may become.</summary>
    public const int PlaceholderBytesMax = 64 * 1024;

    /// <summary>Bytes of UTF-8 that all placeholders of a body may become together.</summary>
    public const int BodyBytesMax = 1024 * 1024;

    private static readonly Failure s_tooLong = new(
        FailureKind.Invalid, "background.template_too_long",
        $"What a placeholder stands for is longer than {PlaceholderBytesMax} bytes, or all of a body are longer than {BodyBytesMax} together.");

    /// <summary>The placeholders, and what is wrong with the texts, each with its place, for example <c>messages[0].content</c>.</summary>
    public static (List<(string Field, Placeholder Placeholder)> Placeholders, List<(string Field, string Sentence)> Faults) Read(JsonElement body)
    {
        List<(string, Placeholder)> placeholders = [];
        List<(string, string)> faults = [];
        Walk(body, "", (field, text) =>
        {
            var (parts, fault) = TemplateText.Parse(text);
            placeholders.AddRange(parts.Where(part => part.Placeholder is not null).Select(part => (field, part.Placeholder!)));
            if (fault is not null)
            {
                faults.Add((field, fault));
            }
        });
        return (placeholders, faults);
    }

    /// <summary>The body to send; 400 <c>background.template_too_long</c>.</summary>
    /// <param name="body">A body in which <see cref="Read"/> found no fault.</param>
    /// <param name="value">What a placeholder stands for.</param>
    public static Result<JsonElement> Fill(JsonElement body, Func<Placeholder, string> value)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        var left = BodyBytesMax;
        var isTooLong = false;
        using (var writer = new Utf8JsonWriter(buffer))
        {
            Write(writer, body, text => Fill(text));
        }

        return isTooLong ? s_tooLong : JsonElement.Parse(buffer.WrittenSpan);

        string Fill(string text)
        {
            var filled = new StringBuilder(text.Length);
            foreach (var part in TemplateText.Parse(text).Parts)
            {
                filled.Append(part.Placeholder is null ? part.Text : isTooLong ? "" : Bounded(value(part.Placeholder)));
            }

            return filled.ToString();
        }

        string Bounded(string given)
        {
            var bytes = Encoding.UTF8.GetByteCount(given);
            left -= bytes;
            isTooLong |= bytes > PlaceholderBytesMax || left < 0;
            return isTooLong ? "" : given;
        }
    }

    private static void Write(Utf8JsonWriter writer, JsonElement element, Func<string, string> fill)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in element.EnumerateObject())
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value, fill);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                {
                    Write(writer, item, fill);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.String when element.GetString() is { } text && TemplateText.IsTemplate(text):
                writer.WriteStringValue(fill(text));
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }

    private static void Walk(JsonElement element, string field, Action<string, string> found)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    Walk(member.Value, field.Length == 0 ? member.Name : $"{field}.{member.Name}", found);
                }

                break;
            case JsonValueKind.Array:
                var index = 0;
                foreach (var item in element.EnumerateArray())
                {
                    Walk(item, $"{field}[{index++}]", found);
                }

                break;
            case JsonValueKind.String when element.GetString() is { } text && TemplateText.IsTemplate(text):
                found(field, text);
                break;
        }
    }
}
