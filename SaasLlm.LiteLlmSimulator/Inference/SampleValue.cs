using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>A small value that a JSON schema allows: the first of its choices, all properties, a text where a string may stand.</summary>
internal static class SampleValue
{
    // A schema may refer to itself; what lies deeper is null.
    private const int DepthMax = 12;

    private static readonly string[] s_choices = ["anyOf", "oneOf", "allOf"];

    public static JsonNode? Of(JsonElement schema, string text) => Of(schema, schema, text, DepthMax);

    private static JsonNode? Of(JsonElement schema, JsonElement root, string text, int depth)
    {
        if (depth == 0)
        {
            return null;
        }

        if (schema.StringOf("$ref") is { } reference)
        {
            return Of(Find(root, reference), root, text, depth - 1);
        }

        if (schema.Has("const", out var only))
        {
            return only.Node();
        }

        foreach (var name in (string[])["enum", .. s_choices])
        {
            if (schema.Has(name, out var choices) && choices.ValueKind is JsonValueKind.Array && choices.GetArrayLength() > 0)
            {
                return name == "enum" ? choices[0].Node() : Of(choices[0], root, text, depth - 1);
            }
        }

        return TypeOf(schema) switch
        {
            "string" => text,
            "integer" or "number" => schema.Has("minimum", out var least) && least.TryGetInt32(out var bound) && bound > 0 ? bound : 1,
            "boolean" => true,
            "null" => null,
            "array" => schema.Has("items", out var items) ? new JsonArray(Of(items, root, text, depth - 1)) : [],
            _ => Object(schema, root, text, depth),
        };
    }

    private static JsonObject Object(JsonElement schema, JsonElement root, string text, int depth)
    {
        var value = new JsonObject();
        if (schema.Has("properties", out var properties))
        {
            foreach (var property in properties.EnumerateObject())
            {
                value[property.Name] = Of(property.Value, root, text, depth - 1);
            }
        }

        return value;
    }

    // A list of types, as in ["string", "null"], begins with the one that is meant.
    private static string? TypeOf(JsonElement schema)
        => schema.Has("type", out var type) && type.ValueKind is JsonValueKind.Array && type.GetArrayLength() > 0
            ? type[0].GetString()
            : schema.StringOf("type");

    /// <summary>What <c>#/$defs/Name</c> names.</summary>
    private static JsonElement Find(JsonElement root, string reference)
    {
        var found = root;
        foreach (var name in reference.TrimStart('#').Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            found = found.Has(name, out var inner) ? inner : default;
        }

        return found;
    }
}
