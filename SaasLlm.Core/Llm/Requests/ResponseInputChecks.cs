using System.Text.Json;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>The input of a response: a text, or items with OpenAI's members only. An item without a type is a message.</summary>
internal static class ResponseInputChecks
{
    private const int ItemsMax = 10_000;

    private static readonly HashSet<string> s_roles = ["system", "developer", "user", "assistant"];

    private static readonly Dictionary<string, HashSet<string>> s_items = new(StringComparer.Ordinal)
    {
        ["message"] = ["type", "role", "content", "id", "status", "phase"],
        ["function_call"] = ["type", "id", "call_id", "name", "arguments", "status"],
        ["function_call_output"] = ["type", "id", "call_id", "output", "status"],
        ["custom_tool_call"] = ["type", "id", "call_id", "name", "input", "status"],
        ["custom_tool_call_output"] = ["type", "id", "call_id", "output", "status"],
        ["reasoning"] = ["type", "id", "summary", "content", "encrypted_content", "status"],
        ["item_reference"] = ["type", "id"],
    };

    private static readonly Dictionary<string, HashSet<string>> s_parts = new(StringComparer.Ordinal)
    {
        ["input_text"] = ["type", "text"],
        ["output_text"] = ["type", "text", "annotations", "logprobs"],
        ["refusal"] = ["type", "refusal"],
        ["input_image"] = ["type", "image_url", "detail", "file_id"],
        ["input_file"] = ["type", "file_data", "filename", "file_id", "file_url"],
    };

    /// <summary>The first fault, or null.</summary>
    public static (string Field, string Sentence)? FirstFault(JsonElement body, GroupSettings settings)
    {
        if (!FieldChecks.Present(body, "input", out var input))
        {
            return ("input", "'input' must be a text or a list of items.");
        }

        if (input.ValueKind == JsonValueKind.String)
        {
            // Read, so that a text which is not Unicode is found here.
            return input.GetString() is null ? ("input", "'input' must be a text.") : null;
        }

        if (input.GetArrayLength() is 0 or > ItemsMax)
        {
            return ("input", $"'input' must hold 1 to {ItemsMax} items.");
        }

        var index = 0;
        foreach (var item in input.EnumerateArray())
        {
            if (Item(item, $"input[{index++}]", settings) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    /// <summary>The item's type: <c>message</c> where it names none.</summary>
    public static string TypeOf(JsonElement item) => FieldChecks.Present(item, "type", out var type) && type.ValueKind == JsonValueKind.String ? type.GetString()! : "message";

    private static (string, string)? Item(JsonElement item, string field, GroupSettings settings)
    {
        if (item.ValueKind != JsonValueKind.Object)
        {
            return (field, $"'{field}' must be an object.");
        }

        if (FieldChecks.Present(item, "type", out var named) && named.ValueKind != JsonValueKind.String)
        {
            return ($"{field}.type", $"'{field}.type' must be a text.");
        }

        var type = TypeOf(item);
        if (!s_items.TryGetValue(type, out var members))
        {
            // The calls of tools that the group allows, for example web_search_call.
            return settings.ToolTypes.Any(tool => type.StartsWith(tool, StringComparison.Ordinal))
                ? null
                : ($"{field}.type", $"'{field}.type' must be one of {string.Join(", ", s_items.Keys)}.");
        }

        if (MessageChecks.Unknown(item, members, field, settings) is { } unknown)
        {
            return unknown;
        }

        if (type == "message" && (FieldChecks.Text(item, "role") is not { } role || !s_roles.Contains(role)))
        {
            return ($"{field}.role", $"'{field}.role' must be one of {string.Join(", ", s_roles)}.");
        }

        return type switch
        {
            "message" => Parts(item, "content", field, settings),
            "function_call_output" or "custom_tool_call_output" => Parts(item, "output", field, settings),
            _ => null,
        };
    }

    private static (string, string)? Parts(JsonElement item, string name, string owner, GroupSettings settings)
    {
        var field = $"{owner}.{name}";
        if (!FieldChecks.Present(item, name, out var content) || content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
        {
            return (field, $"'{field}' must be a text or a list of parts.");
        }

        var index = 0;
        foreach (var part in content.ValueKind == JsonValueKind.Array ? content.EnumerateArray() : default)
        {
            if (Part(part, $"{field}[{index++}]", settings) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private static (string, string)? Part(JsonElement part, string field, GroupSettings settings)
    {
        var type = FieldChecks.Text(part, "type");
        if (type == "input_audio")
        {
            return ($"{field}.type", "Audio changes the price of a call and is not offered.");
        }

        if (type is null || !s_parts.TryGetValue(type, out var members))
        {
            return ($"{field}.type", $"'{field}.type' must be one of {string.Join(", ", s_parts.Keys)}.");
        }

        return MessageChecks.FileId(part, field, settings) ?? MessageChecks.Unknown(part, members, field, settings)
            ?? Address(part, "image_url", field, settings) ?? Address(part, "file_url", field, settings) ?? FileData(part, field, settings);
    }

    private static (string, string)? Address(JsonElement part, string name, string field, GroupSettings settings)
        => !FieldChecks.Present(part, name, out var value) ? null
            : value.ValueKind == JsonValueKind.String ? MessageChecks.Address(value.GetString()!, $"{field}.{name}", settings)
            : ($"{field}.{name}", $"'{field}.{name}' must be a text.");

    // Plain base64 is taken as well as a data: address; anything else that looks like an address is none of them.
    private static (string, string)? FileData(JsonElement part, string field, GroupSettings settings)
        => FieldChecks.Text(part, "file_data") is { } data && data.AsSpan(0, Math.Min(data.Length, 32)).Contains(':')
            ? MessageChecks.Address(data, $"{field}.file_data", settings)
            : null;
}
