using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SaasLlm.LiteLlmSimulator.Http;

internal static class Json
{
    // LiteLLM writes text as it is; only what JSON itself demands is escaped.
    private static readonly JsonSerializerOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Text(JsonNode? node) => node is null ? "null" : node.ToJsonString(s_options);

    public static async Task WriteAsync(HttpResponse response, int status, JsonNode? body)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(Text(body));
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = bytes.Length;
        await response.Body.WriteAsync(bytes, response.HttpContext.RequestAborted);
    }

    /// <summary>A copy of a recorded body's skeleton, whose fields the caller then sets.</summary>
    public static JsonObject Shape(string name)
    {
        using var stream = typeof(Json).Assembly.GetManifestResourceStream("Shapes/" + name)
            ?? throw new InvalidOperationException($"There is no shape {name}.");
        return JsonNode.Parse(stream)!.AsObject();
    }

    public static string? StringOf(this JsonElement element, string name) =>
        element.ValueKind is JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String
            ? value.GetString()
            : null;

    public static bool Has(this JsonElement element, string name, out JsonElement value)
    {
        value = default;
        return element.ValueKind is JsonValueKind.Object && element.TryGetProperty(name, out value)
            && value.ValueKind is not JsonValueKind.Null;
    }

    public static bool IsTrue(this JsonElement element, string name) =>
        element.Has(name, out var value) && value.ValueKind is JsonValueKind.True;

    public static IReadOnlyList<string> Strings(this JsonElement element, string name) =>
        element.Has(name, out var list) && list.ValueKind is JsonValueKind.Array
            ? [.. list.EnumerateArray().Where(item => item.ValueKind is JsonValueKind.String).Select(item => item.GetString()!)]
            : [];

    public static JsonNode? Node(this JsonElement element) => JsonNode.Parse(element.GetRawText(), documentOptions: new() { AllowDuplicateProperties = true });
}
