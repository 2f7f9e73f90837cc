using System.Text.Json.Nodes;

namespace SaasLlm.LiteLlmSimulator.Http;

/// <summary>What a route answers: a status with a JSON body, or something that writes itself (streams, recordings).</summary>
internal sealed class Answer(int status, JsonNode? body)
{
    public int Status { get; } = status;

    public JsonNode? Body { get; } = body;

    public Dictionary<string, string> Headers { get; init; } = [];

    public Func<HttpContext, Task>? Write { get; init; }

    public static Answer Ok(JsonNode? body) => new(200, body);

    public static Answer Written(Func<HttpContext, Task> write) => new(200, null) { Write = write };

    public async Task WriteToAsync(HttpContext http)
    {
        if (Write is not null)
        {
            await Write(http);
            return;
        }

        foreach (var (name, value) in Headers)
        {
            http.Response.Headers[name] = value;
        }

        await Json.WriteAsync(http.Response, Status, Body);
    }
}
