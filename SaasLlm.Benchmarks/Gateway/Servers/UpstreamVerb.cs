using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;
using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Benchmarks.Gateway.Servers;

/// <summary>The server behind every gateway that is measured: OpenAI's chat completions, the same answer each time, as fast as Kestrel can.</summary>
internal sealed class UpstreamVerb : IVerb
{
    /// <summary>Its streams begin at once and go on for <see cref="QuickGap"/> × <see cref="Chunks"/>.</summary>
    public const string QuickModel = "bench-quick";

    /// <summary>Its streams go on for <see cref="SlowGap"/> × <see cref="Chunks"/>.</summary>
    public const string SlowModel = "bench-slow";

    public const int Chunks = 20;

    public static readonly TimeSpan QuickGap = TimeSpan.FromMilliseconds(10);
    public static readonly TimeSpan SlowGap = TimeSpan.FromMilliseconds(500);

    private const string Sentence = "The quick brown fox jumps over the lazy dog, and so it goes on for about as long as a short answer does. ";

    private static readonly byte[] s_answer = Encoding.UTF8.GetBytes(
        $$$"""{"id":"chatcmpl-bench","object":"chat.completion","created":1767225600,"model":"bench-quick","choices":[{"index":0,"message":{"role":"assistant","content":"{{{Sentence}}}{{{Sentence}}}{{{Sentence}}}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":250,"completion_tokens":64,"total_tokens":314}}""");

    private static readonly byte[] s_first = Chunk("""{"role":"assistant","content":"The"}""", "null");
    private static readonly byte[] s_next = Chunk("""{"content":" quick brown fox"}""", "null");
    private static readonly byte[] s_end =
    [
        .. Chunk("{}", "\"stop\""),
        .. Event("""{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1767225600,"model":"bench-quick","choices":[],"usage":{"prompt_tokens":250,"completion_tokens":64,"total_tokens":314}}"""),
        .. Event("[DONE]"),
    ];

    public string Usage => "the server behind the gateways, started by the verb gateway [--port n]";

    public Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var flags = new Flags(args);
        var port = flags.Number("port", 0);
        flags.RefuseUnknown();
        return ServerHost.RunAsync(port, AnswerAsync, cancellation);
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Path != "/v1/chat/completions")
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var (isStream, isSlow) = await ReadAsync(context);
        if (isStream)
        {
            await StreamAsync(context.Response, isSlow ? SlowGap : QuickGap, context.RequestAborted);
            return;
        }

        context.Response.ContentType = "application/json";
        context.Response.ContentLength = s_answer.Length;
        await context.Response.BodyWriter.WriteAsync(s_answer);
    }

    // Not parsed: what this server costs is no gateway's.
    private static async ValueTask<(bool IsStream, bool IsSlow)> ReadAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (!read.IsCompleted)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            var body = read.Buffer.IsSingleSegment ? read.Buffer.FirstSpan : read.Buffer.ToArray();
            var said = (body.IndexOf("\"stream\":true"u8) >= 0 || body.IndexOf("\"stream\": true"u8) >= 0, body.IndexOf("\"bench-slow\""u8) >= 0);
            reader.AdvanceTo(read.Buffer.End);
            return said;
        }
    }

    private static async Task StreamAsync(HttpResponse response, TimeSpan gap, CancellationToken cancellation)
    {
        response.ContentType = "text/event-stream";
        await response.BodyWriter.WriteAsync(s_first, cancellation);
        for (var chunk = 0; chunk < Chunks; chunk++)
        {
            await Task.Delay(gap, cancellation);
            await response.BodyWriter.WriteAsync(s_next, cancellation);
        }

        await response.BodyWriter.WriteAsync(s_end, cancellation);
    }

    private static byte[] Chunk(string delta, string finish) => Event(
        $$$"""{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1767225600,"model":"bench-quick","choices":[{"index":0,"delta":{{{delta}}},"finish_reason":{{{finish}}}}]}""");

    private static byte[] Event(string data) => Encoding.UTF8.GetBytes($"data: {data}\n\n");
}
