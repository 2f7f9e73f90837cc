using System.Globalization;
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

    /// <summary>Of problem details, or of OpenAI's error.</summary>
    public string? Code => Body is not JsonObject problem ? null : (string?)((problem["error"] as JsonObject)?["code"] ?? problem["code"]);

    public override string ToString() => $"{Status} {Body?.ToJsonString()}";
}

/// <summary>Calls one API process. A connection that breaks is an answer, not an exception.</summary>
internal sealed class ApiCaller(Uri address) : IDisposable
{
    private const int StatusOfBrokenStream = 502;

    private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(1), ConnectTimeout = TimeSpan.FromSeconds(2) })
    {
        BaseAddress = address,
        Timeout = TimeSpan.FromSeconds(20),
    };

    /// <param name="repeatKey">An Idempotency-Key.</param>
    /// <param name="task">Labels the job that an OpenAI request is.</param>
    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, string key, JsonNode? body = null, string? repeatKey = null, string? task = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (repeatKey is not null)
        {
            request.Headers.Add("Idempotency-Key", repeatKey);
        }

        if (task is not null)
        {
            request.Headers.Add("X-External-Task-Id", task);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        }

        try
        {
            using var response = await _http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            return response.Content.Headers.ContentType?.MediaType == "text/event-stream"
                ? OfStream(text)
                : new((int)response.StatusCode, text.Length == 0 ? null : WithHeaders(JsonNode.Parse(text), response));
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException or JsonException)
        {
            return ApiAnswer.Lost;
        }
    }

    public Task<ApiAnswer> PostAsync(string path, string key, JsonNode? body = null, string? repeatKey = null, string? task = null)
        => SendAsync(HttpMethod.Post, path, key, body, repeatKey, task);

    public void Dispose() => _http.Dispose();

    // What ends a stream says what became of it: without [DONE] it is an error, or broke off.
    private static ApiAnswer OfStream(string text)
    {
        var events = text.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line["data: ".Length..]).ToList();
        return events switch
        {
            [.., var end, "[DONE]"] => new(200, JsonNode.Parse(end)),
            [.., var last] when JsonNode.Parse(last) is JsonObject failure && failure["error"] is not null => new(StatusOfBrokenStream, failure),
            _ => ApiAnswer.Lost,
        };
    }

    // On OpenAI's routes headers say what the job API says in its body.
    private static JsonNode? WithHeaders(JsonNode? body, HttpResponseMessage response)
    {
        if (body is JsonObject answer && response.Headers.TryGetValues("x-credits-charged", out var charged))
        {
            answer["job_id"] = Guid.Parse(response.Headers.GetValues("x-job-id").Single());
            answer["status"] = "completed";
            answer["costs"] = new JsonObject { ["credits_charged"] = decimal.Parse(charged.Single(), CultureInfo.InvariantCulture) };
        }

        return body;
    }
}
