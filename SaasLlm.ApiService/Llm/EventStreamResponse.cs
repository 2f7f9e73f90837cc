using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Streaming;

namespace SaasLlm.ApiService.Llm;

/// <summary>
/// Sends a call's answer as server-sent events: each chunk at once, a comment where it is silent for long, and how it ended.
/// </summary>
internal static class EventStreamResponse
{
    /// <summary>How long nothing is sent before a comment shows that somebody is still there.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    /// <summary>Makes the call and answers with its events; with a problem where it fails before the first.</summary>
    /// <param name="form">Asked for when the call has begun to answer.</param>
    /// <param name="refusal">The failure as it is told; left out, as it is.</param>
    public static async Task AnswerAsync(
        HttpContext context, ILlmCaller llm, LlmCall call, Func<StreamForm> form, TimeProvider time, Func<Failure, Failure>? refusal = null)
    {
        context.MarkResponseStart();
        if ((await llm.StreamAsync(call, Silence, context.RequestAborted)).TryGet(out var stream, out var failure))
        {
            await WriteAsync(context, stream, form(), time);
        }
        else
        {
            await Problem.WriteAsync(context, refusal is null ? failure : refusal(failure));
        }
    }

    /// <param name="context">Its answer has not begun.</param>
    /// <param name="stream">Read to its end, or left when the client leaves.</param>
    /// <param name="form">What the events look like.</param>
    /// <param name="time">For the silence.</param>
    private static async Task WriteAsync(HttpContext context, LlmStream stream, StreamForm form, TimeProvider time)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        // Proxies that gather an answer before they pass it on are asked not to.
        response.Headers["X-Accel-Buffering"] = "no";
        try
        {
            await WriteChunksAsync(context, stream, form, time);
            var tee = context.Features.Get<AnswerTee>();
            tee?.Hold();
            if (!(await stream.End).TryGet(out var answer, out var failure))
            {
                tee?.Failure = failure;
                await response.Body.WriteAsync(form.Failed(stream, failure), context.RequestAborted);
            }
            else if (stream.ReaderFault is { } fault)
            {
                // The call worked, and a repeat would be charged again: with a key this is the answer that is kept.
                await response.Body.WriteAsync(form.Failed(stream, fault), context.RequestAborted);
            }
            else
            {
                foreach (var item in form.Succeeded(answer))
                {
                    await response.Body.WriteAsync(item, context.RequestAborted);
                }
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

    private static async Task WriteChunksAsync(HttpContext context, LlmStream stream, StreamForm form, TimeProvider time)
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
                await context.Response.Body.WriteAsync(form.Chunk(chunk), context.RequestAborted);
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
}
