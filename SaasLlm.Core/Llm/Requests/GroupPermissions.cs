using System.Text.Json;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>What a group's settings allow beyond the default, for example <c>{"allowed_fields": ["top_k"], "allowed_tools": ["web_search"]}</c>.</summary>
/// <param name="Fields">Further request fields, passed on as they are.</param>
/// <param name="ToolTypes">Tool types besides <c>function</c> and <c>custom</c>.</param>
/// <param name="AnyAddress">File and image addresses of any scheme.</param>
/// <param name="ContentPolicyTriesNext">A refusal by content policy tries the next model instead of stopping.</param>
/// <param name="MaxOutputTokens">The group's ceiling of an answer's length; null is the gateway's default, which refuses nothing.</param>
/// <param name="SameVectors">The group's embedding models are one model in several places, so that one may stand in for another.</param>
public sealed record GroupPermissions(
    IReadOnlySet<string> Fields, IReadOnlySet<string> ToolTypes, bool AnyAddress, bool ContentPolicyTriesNext, int? MaxOutputTokens = null,
    bool SameVectors = false)
{
    /// <summary>Reads a group's settings; what is absent or of another shape is not allowed.</summary>
    public static GroupPermissions Read(string settingsJson)
    {
        using var settings = JsonDocument.Parse(string.IsNullOrWhiteSpace(settingsJson) ? "{}" : settingsJson);
        var root = settings.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            return new(new HashSet<string>(), new HashSet<string>(), false, false);
        }

        return new(
            Texts(root, "allowed_fields"),
            Texts(root, "allowed_tools"),
            root.TryGetProperty("allow_any_address", out var address) && address.ValueKind == JsonValueKind.True,
            root.TryGetProperty("content_policy", out var policy) && policy.ValueKind == JsonValueKind.String && policy.GetString() == "next",
            root.TryGetProperty("max_output_tokens", out var ceiling) && ceiling.ValueKind == JsonValueKind.Number
                && ceiling.TryGetInt32(out var tokens) && tokens > 0 ? tokens : null,
            root.TryGetProperty("same_vectors", out var same) && same.ValueKind == JsonValueKind.True);
    }

    private static HashSet<string> Texts(JsonElement root, string name)
        => root.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)]
            : [];
}
