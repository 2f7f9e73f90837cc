using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SaasLlm.Benchmarks.Crash.Rig;

/// <summary>What came back: a status of 0 is an answer that never came.</summary>
internal sealed record ApiAnswer(int Status, JsonNode? Body)
{
    public static readonly ApiAnswer Lost = new(0, null);

    public bool IsOk => Status == 200;

    /// <summary>Nobody knows what was done, or nothing was: ask again, with the same Idempotency-Key if there was one.</summary>
    public bool IsOpen => Status is 0 or 503 || Code == "idempotency.in_progress";

    public string? Code => Body is JsonObject problem && problem["code"] is JsonValue code ? (string?)code : null;

    public override string ToString() => $"{Status} {Body?.ToJsonString()}";
}

/// <summary>Calls one API process. A connection that breaks is an answer, not an exception.</summary>
internal sealed class ApiCaller(Uri address) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(1), ConnectTimeout = TimeSpan.FromSeconds(2) })
    {
        BaseAddress = address,
        Timeout = TimeSpan.FromSeconds(20),
    };

    /// <param name="repeatKey">An Idempotency-Key.</param>
    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, string key, JsonNode? body = null, string? repeatKey = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (repeatKey is not null)
        {
            request.Headers.Add("Idempotency-Key", repeatKey);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        }

        try
        {
            using var response = await _http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            return new((int)response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException or JsonException)
        {
            return ApiAnswer.Lost;
        }
    }

    public Task<ApiAnswer> PostAsync(string path, string key, JsonNode? body = null, string? repeatKey = null)
        => SendAsync(HttpMethod.Post, path, key, body, repeatKey);

    public void Dispose() => _http.Dispose();
}
