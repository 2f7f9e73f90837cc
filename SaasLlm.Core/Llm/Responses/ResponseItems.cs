using System.Text.Json;
using static SaasLlm.Core.Llm.Responses.ResponseContent;

namespace SaasLlm.Core.Llm.Responses;

/// <summary>Writes the items of a response and their parts anew, from OpenAI's members.</summary>
internal static class ResponseItems
{
    private static readonly Dictionary<string, string[]> s_items = new(StringComparer.Ordinal)
    {
        ["message"] = ["status", "role"],
        ["function_call"] = ["call_id", "name", "status"],
        ["custom_tool_call"] = ["call_id", "name", "input", "status"],
        ["reasoning"] = ["encrypted_content", "status"],
    };

    /// <param name="id">Makes the tenant's id of the gateway's.</param>
    public static void Write(Utf8JsonWriter writer, JsonElement item, Func<string?, string> id)
    {
        var type = Text(item, "type") ?? "message";
        writer.WriteStartObject();
        writer.WriteString("type", type);
        writer.WriteString("id", id(Text(item, "id") ?? $"item_{type}"));
        if (s_items.TryGetValue(type, out var texts))
        {
            WriteKnown(writer, item, type, texts);
        }
        else
        {
            // The call of a tool that the group allows: its members are its own.
            foreach (var member in item.EnumerateObject().Where(member => member.Name is not ("type" or "id")))
            {
                member.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
    }

    /// <summary>A part of a message, or of a reasoning's summary.</summary>
    public static void WritePart(Utf8JsonWriter writer, JsonElement part)
    {
        var type = Text(part, "type") ?? "output_text";
        writer.WriteStartObject();
        writer.WriteString("type", type);
        if (type == "refusal")
        {
            writer.WriteString("refusal", Text(part, "refusal") ?? "");
        }
        else
        {
            writer.WriteString("text", Text(part, "text") ?? "");
        }

        if (type == "output_text")
        {
            WriteList(writer, part, "annotations");
            WriteList(writer, part, "logprobs");
        }

        writer.WriteEndObject();
    }

    private static void WriteKnown(Utf8JsonWriter writer, JsonElement item, string type, string[] texts)
    {
        foreach (var name in texts)
        {
            if (Text(item, name) is { } text)
            {
                writer.WriteString(name, text);
            }
        }

        switch (type)
        {
            case "function_call":
                // Some servers write the arguments as JSON instead of a text that holds it.
                writer.WriteString("arguments", Text(item, "arguments") ?? Find(item, "arguments", JsonValueKind.Object)?.GetRawText() ?? "");
                break;
            case "message":
                WriteParts(writer, item, "content");
                break;
            case "reasoning":
                WriteParts(writer, item, "summary");
                if (Find(item, "content", JsonValueKind.Array) is not null)
                {
                    WriteParts(writer, item, "content");
                }

                break;
        }
    }

    private static void WriteParts(Utf8JsonWriter writer, JsonElement item, string name)
    {
        writer.WriteStartArray(name);
        foreach (var part in Find(item, name, JsonValueKind.Array) is { } parts ? parts.EnumerateArray() : default)
        {
            WritePart(writer, part);
        }

        writer.WriteEndArray();
    }

    private static void WriteList(Utf8JsonWriter writer, JsonElement part, string name)
    {
        writer.WritePropertyName(name);
        if (Find(part, name, JsonValueKind.Array) is { } list)
        {
            list.WriteTo(writer);
        }
        else
        {
            writer.WriteStartArray();
            writer.WriteEndArray();
        }
    }
}
