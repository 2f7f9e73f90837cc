using System.Text.Json;
using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>Compares names and JSON types of two bodies, not their values.</summary>
internal static class Shape
{
    /// <summary>Sent by some providers and passed on; the simulated provider sends them always.</summary>
    private static readonly string[] s_providers = ["system_fingerprint", "service_tier"];

    /// <summary>Each difference with its path, as <c>.choices[0].message.content: String here, Null there</c>.</summary>
    public static IEnumerable<string> Differences(JsonNode? recorded, JsonNode? simulated, string path = "")
    {
        var (there, here) = (Kind(recorded), Kind(simulated));
        if (there != here)
        {
            return [$"{path}: {there} recorded, {here} simulated"];
        }

        return recorded switch
        {
            JsonObject fields => Names(fields, simulated!.AsObject(), path)
                .Concat(fields.Where(field => simulated.AsObject().ContainsKey(field.Key))
                    .SelectMany(field => Differences(field.Value, simulated.AsObject()[field.Key], $"{path}.{field.Key}"))),
            JsonArray items when items.Count > 0 && simulated!.AsArray().Count > 0 => Differences(items[0], simulated.AsArray()[0], path + "[0]"),
            _ => [],
        };
    }

    private static IEnumerable<string> Names(JsonObject recorded, JsonObject simulated, string path) =>
        recorded.Select(field => field.Key).Except(simulated.Select(field => field.Key)).Select(name => $"{path}.{name}: missing")
            .Concat(simulated.Select(field => field.Key).Except(recorded.Select(field => field.Key)).Except(s_providers).Select(name => $"{path}.{name}: not recorded"));

    private static JsonValueKind Kind(JsonNode? node) => node?.GetValueKind() switch
    {
        null => JsonValueKind.Null,
        JsonValueKind.False => JsonValueKind.True,
        var kind => kind.Value,
    };
}
