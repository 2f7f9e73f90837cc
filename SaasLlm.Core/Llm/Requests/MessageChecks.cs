using System.Text.Json;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>
/// Messages hold OpenAI's members only: <c>cache_control</c>, for example, is LiteLLM's and changes the price, and a part such as
/// <c>video_url</c> names an address that somebody fetches.
/// </summary>
internal static class MessageChecks
{
    public const int MessagesMax = 10_000;

    private static readonly HashSet<string> s_roles = ["system", "developer", "user", "assistant", "tool", "function"];

    // "annotations" and "refusal" come back from clients that send an answer's message as it was.
    private static readonly HashSet<string> s_members =
        ["role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal", "annotations", "audio"];

    private static readonly Dictionary<string, HashSet<string>> s_parts = new(StringComparer.Ordinal)
    {
        ["text"] = ["type", "text"],
        ["refusal"] = ["type", "refusal"],
        ["image_url"] = ["type", "image_url"],
        ["file"] = ["type", "file"],
    };

    // Clients that gather a stream keep the index. Gemini's extra_content names things of a provider; we never gave it.
    private static readonly HashSet<string> s_call = ["id", "type", "index", "function", "custom"];
    private static readonly HashSet<string> s_function = ["name", "arguments"];
    private static readonly HashSet<string> s_custom = ["name", "input"];
    // An answer's go out as the provider wrote them, nested or flat, and come back so.
    private static readonly HashSet<string> s_annotation =
    [
        "type", "url_citation", "file_citation", "container_file_citation", "file_path",
        "url", "title", "text", "quote", "index", "start_index", "end_index", "file_id", "filename", "container_id",
    ];
    private static readonly HashSet<string> s_image = ["url", "detail"];
    private static readonly HashSet<string> s_file = ["file_data", "filename", "file_id"];

    /// <summary>The first fault, or null.</summary>
    public static (string Field, string Sentence)? FirstFault(JsonElement body, GroupSettings settings)
    {
        if (!FieldChecks.Present(body, "messages", out var messages))
        {
            return ("messages", "'messages' must be a list of messages.");
        }

        if (messages.GetArrayLength() is 0 or > MessagesMax)
        {
            return ("messages", $"'messages' must hold 1 to {MessagesMax} messages.");
        }

        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            if (Message(message, $"messages[{index++}]", settings) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private static (string, string)? Message(JsonElement message, string field, GroupSettings settings)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            return (field, $"'{field}' must be an object.");
        }

        if (FieldChecks.Text(message, "role") is not { } role || !s_roles.Contains(role))
        {
            return ($"{field}.role", $"'{field}.role' must be one of {string.Join(", ", s_roles)}.");
        }

        if (FieldChecks.Present(message, "audio", out _))
        {
            return ($"{field}.audio", "Audio changes the price of a call and is not offered.");
        }

        return Unknown(message, s_members, field, settings)
            ?? Content(message, $"{field}.content", settings)
            ?? Each(message, "tool_calls", field, (call, place) => Call(call, place, settings))
            ?? Texts(message, "function_call", s_function, field, settings)
            ?? Each(message, "annotations", field, (annotation, place) => Unknown(annotation, s_annotation, place, settings));
    }

    private static (string, string)? Call(JsonElement call, string field, GroupSettings settings)
        => Unknown(call, s_call, field, settings)
           ?? Texts(call, "function", s_function, field, settings)
           ?? Texts(call, "custom", s_custom, field, settings);

    // A list of objects, where it is there.
    private static (string, string)? Each(
        JsonElement message, string name, string field, Func<JsonElement, string, (string Field, string Sentence)?> fault)
    {
        if (!FieldChecks.Present(message, name, out var list))
        {
            return null;
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            return ($"{field}.{name}", $"'{field}.{name}' must be a list.");
        }

        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            var place = $"{field}.{name}[{index++}]";
            if (item.ValueKind != JsonValueKind.Object)
            {
                return (place, $"'{place}' must be an object.");
            }

            if (fault(item, place) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    // An object with these texts, where it is there.
    private static (string, string)? Texts(JsonElement element, string name, HashSet<string> members, string field, GroupSettings settings)
    {
        if (!FieldChecks.Present(element, name, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            return ($"{field}.{name}", $"'{field}.{name}' must be an object.");
        }

        return Unknown(value, members, $"{field}.{name}", settings)
            ?? (members.Cast<string?>().FirstOrDefault(member => FieldChecks.Present(value, member!, out var text) && text.ValueKind != JsonValueKind.String) is { } wrong
                ? ($"{field}.{name}.{wrong}", $"'{field}.{name}.{wrong}' must be a text.")
                : null);
    }

    private static (string, string)? Content(JsonElement message, string field, GroupSettings settings)
    {
        if (!FieldChecks.Present(message, "content", out var content) || content.ValueKind == JsonValueKind.String)
        {
            return null;
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            return (field, $"'{field}' must be a text or a list of parts.");
        }

        var index = 0;
        foreach (var part in content.EnumerateArray())
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

        return Unknown(part, members, field, settings) ?? type switch
        {
            "image_url" => Image(part, field, settings),
            "file" => File(part, field, settings),
            _ => null,
        };
    }

    private static (string, string)? Image(JsonElement part, string field, GroupSettings settings)
    {
        if (!part.TryGetProperty("image_url", out var image) || image.ValueKind is not (JsonValueKind.Object or JsonValueKind.String))
        {
            return ($"{field}.image_url", $"'{field}.image_url' must be an object.");
        }

        if (image.ValueKind == JsonValueKind.String)
        {
            return Address(image.GetString()!, $"{field}.image_url", settings);
        }

        return Unknown(image, s_image, $"{field}.image_url", settings)
            ?? (FieldChecks.Text(image, "url") is { } url
                ? Address(url, $"{field}.image_url.url", settings)
                : ($"{field}.image_url.url", $"'{field}.image_url.url' must be a text."));
    }

    private static (string, string)? File(JsonElement part, string field, GroupSettings settings)
    {
        if (!part.TryGetProperty("file", out var file) || file.ValueKind != JsonValueKind.Object)
        {
            return ($"{field}.file", $"'{field}.file' must be an object.");
        }

        return Unknown(file, s_file, $"{field}.file", settings)
            ?? FileId(file, $"{field}.file", settings)
            ?? (FieldChecks.Text(file, "file_data") is { } data ? Address(data, $"{field}.file.file_data", settings) : null);
    }

    /// <summary>An id names a file in the operator's account, and that may be another tenant's.</summary>
    public static (string Field, string Sentence)? FileId(JsonElement file, string field, GroupSettings settings)
        => FieldChecks.Present(file, "file_id", out _) && !settings.AnyAddress
            ? ($"{field}.file_id", "Files by id are not offered by this model group.")
            : null;

    /// <summary>Nobody may fetch what is neither public nor in the request itself.</summary>
    public static (string Field, string Sentence)? Address(string address, string field, GroupSettings settings)
        => settings.AnyAddress
           || address.StartsWith("https:", StringComparison.OrdinalIgnoreCase)
           || address.StartsWith("data:", StringComparison.OrdinalIgnoreCase)
            ? null
            : (field, $"'{field}' must begin with https: or data:.");

    /// <summary>The first member that is not known and not allowed, or null.</summary>
    public static (string Field, string Sentence)? Unknown(JsonElement element, HashSet<string> members, string field, GroupSettings settings)
    {
        foreach (var member in element.EnumerateObject().Where(member => !members.Contains(member.Name) && !settings.Fields.Contains(member.Name)))
        {
            var name = member.Name.Length <= 100 ? member.Name : member.Name[..100];
            return ($"{field}.{name}", $"Unrecognized request argument supplied: {field}.{name}");
        }

        return null;
    }
}
