using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Control;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>Writes server-sent events as LiteLLM does; cut where an alias says so.</summary>
internal sealed class EventStream(Mode mode, TimeProvider time)
{
    public Answer Answer(Dictionary<string, string> headers, IReadOnlyList<JsonObject> chunks, int? cutAt) => Http.Answer.Written(async http =>
    {
        foreach (var (name, value) in headers)
        {
            http.Response.Headers[name] = value;
        }

        http.Response.ContentType = "text/event-stream; charset=utf-8";
        http.Response.Headers.CacheControl = "no-cache";
        http.Response.Headers["x-accel-buffering"] = "no";
        for (var i = 0; i < chunks.Count; i++)
        {
            if (i == cutAt)
            {
                throw new CutException();
            }

            if (i > 0 && mode.ChunkDelay > TimeSpan.Zero)
            {
                await Task.Delay(mode.ChunkDelay, time, http.RequestAborted);
            }

            await http.Response.WriteAsync($"data: {Json.Text(chunks[i])}\n\n", http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }

        if (cutAt is not null)
        {
            throw new CutException();
        }

        await http.Response.WriteAsync("data: [DONE]\n\n", http.RequestAborted);
    });

    /// <summary>A plain answer; one that is cut names its whole length and breaks off after so many bytes.</summary>
    public static Answer Plain(Dictionary<string, string> headers, JsonObject body, int? cutAt)
    {
        if (cutAt is not { } bytes)
        {
            return new(200, body) { Headers = headers };
        }

        return Http.Answer.Written(async http =>
        {
            var whole = System.Text.Encoding.UTF8.GetBytes(Json.Text(body));
            http.Response.ContentType = "application/json";
            http.Response.ContentLength = whole.Length;
            await http.Response.Body.WriteAsync(whole.AsMemory(0, Math.Min(bytes, whole.Length)), http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            throw new CutException();
        });
    }
}
