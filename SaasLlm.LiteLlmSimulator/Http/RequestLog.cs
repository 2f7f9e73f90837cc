using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SaasLlm.LiteLlmSimulator.Http;

/// <summary>The last requests, for tests that ask what reached the gateway. Keys are kept as a hash and four characters.</summary>
internal sealed class RequestLog
{
    private const int Kept = 500;

    private static readonly string[] s_secret = ["authorization", "x-litellm-api-key", "x-api-key", "api-key", "x-goog-api-key"];

    private readonly Lock _gate = new();
    private readonly Queue<JsonObject> _entries = new();
    private long _count;

    public void Add(HttpRequest request, byte[] body, DateTimeOffset now)
    {
        var headers = new JsonObject();
        foreach (var (name, value) in request.Headers)
        {
            var text = value.ToString();
            headers[name.ToLowerInvariant()] = s_secret.Contains(name, StringComparer.OrdinalIgnoreCase) ? Mask(text) : text;
        }

        var entry = new JsonObject
        {
            ["at"] = now.ToString("O"),
            ["method"] = request.Method,
            ["path"] = request.Path.Value,
            ["query"] = request.QueryString.Value,
            ["headers"] = headers,
            ["body"] = BodyNode(body),
        };
        lock (_gate)
        {
            entry["number"] = ++_count;
            _entries.Enqueue(entry);
            if (_entries.Count > Kept)
            {
                _entries.Dequeue();
            }
        }
    }

    public JsonArray Last(int count)
    {
        lock (_gate)
        {
            return new JsonArray([.. _entries.TakeLast(count).Select(entry => entry.DeepClone())]);
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _entries.Clear();
            _count = 0;
        }
    }

    /// <summary>"Bearer sk-abc…wxyz" as "Bearer sha256:&lt;hash of the key&gt;...wxyz".</summary>
    public static string Mask(string value)
    {
        var space = value.IndexOf(' ', StringComparison.Ordinal);
        var scheme = space < 0 ? "" : value[..(space + 1)];
        var key = value[(space + 1)..];
        return $"{scheme}sha256:{Ids.Hash(key)}...{(key.Length < 4 ? "" : key[^4..])}";
    }

    private static JsonNode? BodyNode(byte[] body)
    {
        if (body.Length == 0)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(body, new() { AllowDuplicateProperties = false });
            return document.RootElement.Node();
        }
        catch (JsonException)
        {
            return Encoding.UTF8.GetString(body);
        }
    }
}
