using System.IO.Compression;
using SaasLlm.LiteLlmSimulator.Control;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Playing;

/// <summary>Answers exactly as recorded: status, headers, body or stream, and its timing.</summary>
internal sealed class RecordingPlayer(RecordingStore store, Mode mode, TimeProvider time)
{
    private static readonly string[] s_setByTheServer = ["content-length", "transfer-encoding", "connection", "keep-alive", "content-encoding"];

    /// <param name="name">As in INDEX.md; it must exist.</param>
    public Answer Answer(string name) => Http.Answer.Written(http => PlayAsync(http, store.Load(name)
        ?? throw new InvalidOperationException($"There is no recording {name}.")));

    private async Task PlayAsync(HttpContext http, Recording recording)
    {
        if (recording.Status == 0)
        {
            http.Abort();
            return;
        }

        var response = http.Response;
        response.Headers.Clear();
        response.StatusCode = recording.Status;
        foreach (var (name, value) in recording.Headers.Where(header => !s_setByTheServer.Contains(header.Key)))
        {
            response.Headers[name] = value;
        }

        if (recording.Lines is not null)
        {
            await StreamAsync(http, recording, recording.Lines);
            return;
        }

        await WaitAsync(recording.Took, http);
        await WriteBodyAsync(http, recording);
    }

    private static async Task WriteBodyAsync(HttpContext http, Recording recording)
    {
        var body = recording.Body!;

        // Recorded with "accept-encoding: gzip"; who does not send that would not have been answered so.
        if (recording.Headers.Any(header => header.Key == "content-encoding") && http.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
        {
            using var packed = new MemoryStream();
            await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            {
                await gzip.WriteAsync(body);
            }

            body = packed.ToArray();
            http.Response.Headers.ContentEncoding = "gzip";
        }

        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    private async Task StreamAsync(HttpContext http, Recording recording, IReadOnlyList<string> lines)
    {
        var endsInError = lines.Count > 0 && lines[^1].StartsWith("data: {\"error\"", StringComparison.Ordinal);
        if (!endsInError)
        {
            await WaitAsync(recording.Took, http);
        }

        await http.Response.StartAsync(http.RequestAborted);
        for (var i = 0; i < lines.Count; i++)
        {
            // The time was spent waiting for what never came.
            await WaitAsync(endsInError && i == lines.Count - 1 ? recording.Took : i > 0 ? recording.Gap : TimeSpan.Zero, http);
            await http.Response.WriteAsync(lines[i] + (lines[i].StartsWith("data:", StringComparison.Ordinal) ? "\n\n" : "\n"), http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }

        if (recording.IsCut)
        {
            throw new CutException();
        }
    }

    private Task WaitAsync(TimeSpan duration, HttpContext http) =>
        mode.RecordedTiming && duration > TimeSpan.Zero ? Task.Delay(duration, time, http.RequestAborted) : Task.CompletedTask;
}
