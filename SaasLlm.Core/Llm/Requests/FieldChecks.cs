using System.Text.Json;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>The values that must be right before money is spent: what we interpret, and what could reach further than the model.</summary>
internal static class FieldChecks
{
    public const int MessagesMax = 10_000;
    public const int ChoicesMax = 16;

    private static readonly HashSet<string> s_roles = ["system", "developer", "user", "assistant", "tool", "function"];

    /// <summary>The first fault, or null.</summary>
    public static (string Field, string Sentence)? FirstFault(JsonElement body, GroupPermissions permissions)
        => Messages(body, permissions)
           ?? Count(body, "n", 1, ChoicesMax)
           ?? Count(body, "max_tokens", 1, int.MaxValue)
           ?? Count(body, "max_completion_tokens", 1, int.MaxValue)
           ?? Number(body, "temperature", 0, 2)
           ?? Number(body, "top_p", 0, 1)
           ?? Tools(body, permissions)
           ?? Modalities(body)
           ?? User(body)
           ?? Stream(body);

    private static (string, string)? Messages(JsonElement body, GroupPermissions permissions)
    {
        if (!body.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array)
        {
            return ("messages", "'messages' must be a list of messages.");
        }

        var count = messages.GetArrayLength();
        if (count is 0 or > MessagesMax)
        {
            return ("messages", $"'messages' must hold 1 to {MessagesMax} messages.");
        }

        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            var field = $"messages[{index++}]";
            if (message.ValueKind != JsonValueKind.Object)
            {
                return (field, $"'{field}' must be an object.");
            }

            if (!message.TryGetProperty("role", out var role) || role.ValueKind != JsonValueKind.String || !s_roles.Contains(role.GetString()!))
            {
                return ($"{field}.role", $"'{field}.role' must be one of {string.Join(", ", s_roles)}.");
            }

            if (Content(message, field, permissions) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private static (string, string)? Content(JsonElement message, string field, GroupPermissions permissions)
    {
        if (!message.TryGetProperty("content", out var content) || content.ValueKind is JsonValueKind.String or JsonValueKind.Null)
        {
            return null;
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            return ($"{field}.content", $"'{field}.content' must be a text or a list of parts.");
        }

        foreach (var part in content.EnumerateArray())
        {
            if (part.ValueKind != JsonValueKind.Object)
            {
                return ($"{field}.content", $"'{field}.content' must hold objects.");
            }

            if (!permissions.AnyAddress && Address(part) is { } address
                && !address.StartsWith("https:", StringComparison.OrdinalIgnoreCase)
                && !address.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
            {
                return ($"{field}.content", "Addresses of images and files must begin with https: or data:.");
            }

            if (part.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.GetString() == "input_audio")
            {
                return ($"{field}.content", "Audio changes the price of a call and is not offered.");
            }
        }

        return null;
    }

    private static string? Address(JsonElement part)
    {
        if (part.TryGetProperty("image_url", out var image))
        {
            return image.ValueKind == JsonValueKind.String ? image.GetString() : Text(image, "url");
        }

        return part.TryGetProperty("file", out var file) ? Text(file, "file_data") ?? Text(file, "file_url") : null;
    }

    private static string? Text(JsonElement element, string name)
        => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static (string, string)? Tools(JsonElement body, GroupPermissions permissions)
    {
        if (!Present(body, "tools", out var tools))
        {
            return null;
        }

        if (tools.ValueKind != JsonValueKind.Array)
        {
            return ("tools", "'tools' must be a list.");
        }

        foreach (var tool in tools.EnumerateArray())
        {
            var type = Text(tool, "type");
            if (type is null)
            {
                return ("tools", "Each tool needs a 'type'.");
            }

            if (type is not ("function" or "custom") && !permissions.ToolTypes.Contains(type))
            {
                return ("tools", $"Tools of type '{type}' are not offered by this model group.");
            }
        }

        return null;
    }

    private static (string, string)? Modalities(JsonElement body)
        => Present(body, "modalities", out var modalities)
           && (modalities.ValueKind != JsonValueKind.Array
               || modalities.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String || item.GetString() != "text"))
            ? ("modalities", "Only the modality 'text' is offered.")
            : null;

    private static (string, string)? User(JsonElement body)
        => Present(body, "user", out var user) && user.ValueKind != JsonValueKind.String ? ("user", "'user' must be a text.") : null;

    private static (string, string)? Stream(JsonElement body)
        => Present(body, "stream", out var stream) && stream.ValueKind != JsonValueKind.False
            ? ("stream", "This route does not stream.")
            : null;

    private static (string, string)? Count(JsonElement body, string name, int min, int max)
        => Present(body, name, out var value)
           && (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number) || number < min || number > max)
            ? (name, $"'{name}' must be a whole number from {min} to {max}.")
            : null;

    private static (string, string)? Number(JsonElement body, string name, decimal min, decimal max)
        => Present(body, name, out var value)
           && (value.ValueKind != JsonValueKind.Number || !value.TryGetDecimal(out var number) || number < min || number > max)
            ? (name, $"'{name}' must be a number from {min} to {max}.")
            : null;

    private static bool Present(JsonElement body, string name, out JsonElement value)
        => body.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
}
