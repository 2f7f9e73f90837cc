using System.Text.Json;
using SaasLlm.ApiService.OpenAi;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Streaming;

namespace SaasLlm.ApiService.Llm;

/// <summary>
/// Sends a call's answer as server-sent events: each chunk at once, a comment where it is silent for long, then what
/// <c>last</c> adds and <c>[DONE]</c>. A failure after the first byte is an event with <c>error</c>, and no <c>[DONE]</c>.
/// </summary>
internal static class EventStreamResponse
{
    /// <summary>How long nothing is sent before a comment shows that somebody is still there.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    /// <param name="context">Its answer has not begun.</param>
    /// <param name="stream">Read to its end, or left when the client leaves.</param>
    /// <param name="last">What comes after the last chunk: JSON, an event each.</param>
    /// <param name="time">For the silence.</param>
    public static async Task WriteAsync(
        HttpContext context, LlmStream stream, Func<LlmAnswer, IEnumerable<object>> last, TimeProvider time)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        // Proxies that gather an answer before they pass it on are asked not to.
        response.Headers["X-Accel-Buffering"] = "no";
        try
        {
            await WriteChunksAsync(context, stream, time);
            if ((await stream.End).TryGet(out var answer, out var failure))
            {
                foreach (var item in last(answer))
                {
                    await WriteEventAsync(response, JsonSerializer.SerializeToUtf8Bytes(item, ApiJson.Options));
                }

                await WriteEventAsync(response, "[DONE]"u8.ToArray());
            }
            else
            {
                await WriteEventAsync(response, JsonSerializer.SerializeToUtf8Bytes(ErrorEvent(failure), ApiJson.Options));
            }

            await response.Body.FlushAsync(context.RequestAborted);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException && context.RequestAborted.IsCancellationRequested)
        {
            // The client left: the call is drained and accounted without it.
        }
        finally
        {
            stream.Leave();
        }
    }

    private static async Task WriteChunksAsync(HttpContext context, LlmStream stream, TimeProvider time)
    {
        // Silent from the start: the answer is committed to with a comment.
        var wait = stream.Chunks.WaitToReadAsync(context.RequestAborted).AsTask();
        if (!wait.IsCompleted)
        {
            await PingAsync(context.Response);
        }

        while (await WaitAsync(context, wait, time))
        {
            while (stream.Chunks.TryRead(out var chunk))
            {
                await WriteEventAsync(context.Response, chunk);
            }

            await context.Response.Body.FlushAsync(context.RequestAborted);
            wait = stream.Chunks.WaitToReadAsync(context.RequestAborted).AsTask();
        }
    }

    private static async Task<bool> WaitAsync(HttpContext context, Task<bool> wait, TimeProvider time)
    {
        while (!wait.IsCompleted)
        {
            try
            {
                return await wait.WaitAsync(Silence, time, context.RequestAborted);
            }
            catch (TimeoutException)
            {
                await PingAsync(context.Response);
            }
        }

        return await wait;
    }

    private static async Task PingAsync(HttpResponse response)
    {
        await response.Body.WriteAsync(": ping\n\n"u8.ToArray(), response.HttpContext.RequestAborted);
        await response.Body.FlushAsync(response.HttpContext.RequestAborted);
    }

    private static async Task WriteEventAsync(HttpResponse response, ReadOnlyMemory<byte> json)
    {
        var aborted = response.HttpContext.RequestAborted;
        await response.Body.WriteAsync("data: "u8.ToArray(), aborted);
        await response.Body.WriteAsync(json, aborted);
        await response.Body.WriteAsync("\n\n"u8.ToArray(), aborted);
    }

    private static Dictionary<string, object?> ErrorEvent(Failure failure)
        => OpenAiError.Document(Problem.StatusOf(failure.Kind), failure.Code, failure.Message, failure.Details);
}
