using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>A JSON value as text with its names sorted and its values replaced by their types.</summary>
internal static class Skeleton
{
    public static string Of(JsonNode? node) => node switch
    {
        null => "null",
        JsonObject fields => "{" + string.Join(',', fields.Where(field => field.Key is not ("system_fingerprint" or "service_tier"))
            .OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => $"{field.Key}:{Of(field.Value)}")) + "}",
        JsonArray items => $"[{(items.Count == 0 ? "" : Of(items[0]))}]",
        _ => node.GetValueKind().ToString(),
    };
}
