using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SaasLlm.LiteLlmSimulator.Http;

/// <summary>The last requests, for tests that ask what reached the gateway. Keys are shown as a hash and four characters.</summary>
internal sealed class RequestLog
{
    private const int Kept = 500;

    private const int LongestBody = 256 * 1024;

    private static readonly string[] s_secret = ["authorization", "x-litellm-api-key", "x-api-key", "api-key", "x-goog-api-key"];

    private readonly Lock _gate = new();
    private readonly Queue<Entry> _entries = new();
    private long _count;

    public void Add(HttpRequest request, byte[] body, DateTimeOffset now)
    {
        var headers = request.Headers.Select(header => KeyValuePair.Create(header.Key, header.Value.ToString())).ToArray();
        var kept = body.Length <= LongestBody ? body : Encoding.UTF8.GetBytes($"\"{body.Length} bytes\"");
        lock (_gate)
        {
            _entries.Enqueue(new(++_count, now, request.Method, request.Path.Value!, request.QueryString.Value!, headers, kept));
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
            return new JsonArray([.. _entries.TakeLast(count).Select(Show)]);
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

    private static JsonObject Show(Entry entry) => new()
    {
        ["number"] = entry.Number,
        ["at"] = entry.At.ToString("O"),
        ["method"] = entry.Method,
        ["path"] = entry.Path,
        ["query"] = entry.Query,
        ["headers"] = new JsonObject(entry.Headers.Select(header => KeyValuePair.Create(
            header.Key.ToLowerInvariant(),
            (JsonNode?)JsonValue.Create(s_secret.Contains(header.Key, StringComparer.OrdinalIgnoreCase) ? Mask(header.Value) : header.Value)))),
        ["body"] = BodyNode(entry.Body),
    };

    /// <summary>"Bearer sk-abc…wxyz" as "Bearer sha256:&lt;hash of the key&gt;...wxyz".</summary>
    private static string Mask(string value)
    {
        var space = value.IndexOf(' ', StringComparison.Ordinal);
        var scheme = space < 0 ? "" : value[..(space + 1)];
        var key = value[(space + 1)..];
        return $"{scheme}sha256:{Ids.Hash(key)}...{(key.Length < 4 ? "" : key[^4..])}";
    }

    // A body with a name twice, or none that is JSON, is shown as the text it was.
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

    private sealed record Entry(
        long Number, DateTimeOffset At, string Method, string Path, string Query, KeyValuePair<string, string>[] Headers, byte[] Body);
}
