using System.Net.Http.Headers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SaasLlm.Tests.Access;

/// <summary>Calls the API as one caller.</summary>
internal sealed class ApiClient(Uri address, string? key) : IDisposable
{
    // A server that is slow to say what it wants is waited for: a body that it refuses would cut its answer off half-way.
    private readonly HttpClient _http = new(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) })
    {
        BaseAddress = address,
        Timeout = TimeSpan.FromMinutes(2),
    };

    public Task<ApiAnswer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<ApiAnswer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    /// <param name="json">The body; null for none at all.</param>
    public Task<ApiAnswer> PostAsync(string path, string? json = null) => SendAsync(HttpMethod.Post, path, json);

    /// <param name="json">The body; null for none at all.</param>
    public Task<ApiAnswer> PutAsync(string path, string? json = null) => SendAsync(HttpMethod.Put, path, json);

    /// <summary>A POST with an Idempotency-Key.</summary>
    /// <param name="json">The body; null for none at all.</param>
    public Task<ApiAnswer> PostOnceAsync(string path, string? json, string idempotencyKey)
        => SendAsync(HttpMethod.Post, path, json, idempotencyKey);

    /// <summary>Sends a request as it is, and comes back with the head of its answer.</summary>
    public Task<HttpResponseMessage> SendRawAsync(HttpRequestMessage request)
    {
        if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, string? json = null, params string[] idempotencyKeys)
    {
        using var request = new HttpRequestMessage(method, path);
        if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
            // A large body is not sent before the server wants it.
            request.Headers.ExpectContinue = json.Length > 1024 * 1024;
        }

        foreach (var idempotencyKey in idempotencyKeys)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        }

        using var response = await _http.SendAsync(request);
        return new((int)response.StatusCode, await response.Content.ReadAsStringAsync())
        {
            ContentType = response.Content.Headers.ContentType?.ToString(),
            RetryAfter = response.Headers.RetryAfter?.ToString(),
            Replayed = response.Headers.TryGetValues("Idempotent-Replayed", out var replayed) ? replayed.Single() : null,
        };
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>An answer of the API.</summary>
internal sealed record ApiAnswer(int Status, string Text)
{
    private static readonly JsonSerializerOptions s_asWritten = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lazy<JsonNode?> _json = new(() => Text.Length == 0 ? null : JsonNode.Parse(Text));

    public string? ContentType { get; init; }

    public string? RetryAfter { get; init; }

    /// <summary>The header of an answer that was given before.</summary>
    public string? Replayed { get; init; }

    /// <summary>The body.</summary>
    public JsonNode Json => _json.Value ?? throw new InvalidOperationException($"{Status} without a body");

    /// <summary>The <c>code</c> of a problem document, or of OpenAI's envelope.</summary>
    public string? Code => (string?)(Json["error"] ?? Json)["code"];

    /// <summary>The names of the fields that were refused.</summary>
    public string[] RefusedFields => Json["errors"] is JsonObject errors ? [.. errors.Select(error => error.Key)] : [];

    public JsonNode? this[string name] => Json[name];

    /// <summary>This answer, if it has that status; otherwise the test fails and shows the body.</summary>
    public ApiAnswer Is(int status)
    {
        Assert.True(Status == status, $"expected {status}, got {Status}: {Text}");
        return this;
    }

    /// <summary>This answer, if it is that refusal.</summary>
    public ApiAnswer Is(int status, string code)
    {
        Is(status);
        Assert.Equal(code, Code);
        return this;
    }

    /// <summary>The body without what differs from run to run, as compact JSON.</summary>
    public string Without(params string[] names)
    {
        var copy = Json.DeepClone().AsObject();
        foreach (var name in names)
        {
            Assert.True(copy.Remove(name), $"{name} is missing in {Text}");
        }

        return copy.ToJsonString(s_asWritten);
    }

    /// <summary>JSON that a test wrote over several lines, as the API writes it.</summary>
    public static string Compact(string json) => JsonNode.Parse(json)!.ToJsonString(s_asWritten);
}
