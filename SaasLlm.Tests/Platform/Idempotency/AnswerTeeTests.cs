using System.Text;
using Microsoft.AspNetCore.Http;
using SaasLlm.ApiService.Platform.Idempotency;

namespace SaasLlm.Tests.Platform.Idempotency;

/// <summary>An answer on its way through the middleware: when what of it goes out.</summary>
public sealed class AnswerTeeTests
{
    [Fact]
    public async Task Events_go_out_at_once_and_how_they_end_when_it_is_kept()
    {
        var (context, body) = Context();
        var seen = new List<string>();

        var (answer, sent, _) = await AnswerCapture.RunAsync(context, async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.Body.WriteAsync("data: 1\n\n"u8.ToArray());
            await http.Response.Body.FlushAsync();
            seen.Add(Text(body));
            http.Features.Get<AnswerTee>()!.Hold();
            await http.Response.Body.WriteAsync("data: [DONE]\n\n"u8.ToArray());
            await http.Response.Body.FlushAsync();
            seen.Add(Text(body));
        });

        Assert.Equal(["data: 1\n\n", "data: 1\n\n"], seen);
        Assert.Equal(("data: 1\n\ndata: [DONE]\n\n", 9), (Encoding.UTF8.GetString(answer.Body.Span), sent));
        await AnswerCapture.SendAsync(context.Response, answer, sent);
        Assert.Equal("data: 1\n\ndata: [DONE]\n\n", Text(body));
    }

    [Fact]
    public async Task Any_other_answer_goes_out_when_it_is_kept()
    {
        var (context, body) = Context();

        var (answer, sent, _) = await AnswerCapture.RunAsync(context, http => http.Response.WriteAsJsonAsync(new { a = 1 }));

        Assert.Equal(("", 0, """{"a":1}"""), (Text(body), sent, Encoding.UTF8.GetString(answer.Body.Span)));
        await AnswerCapture.SendAsync(context.Response, answer, sent);
        Assert.Equal("""{"a":1}""", Text(body));
    }

    [Fact]
    public async Task A_caller_that_leaves_ends_nothing_and_the_whole_is_kept()
    {
        var context = new DefaultHttpContext { RequestAborted = new(canceled: true) };
        context.Response.Body = new LeftStream();

        var (answer, _, _) = await AnswerCapture.RunAsync(context, async http =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.Body.WriteAsync("data: 1\n\n"u8.ToArray(), http.RequestAborted);
            await http.Response.Body.WriteAsync("data: 2\n\n"u8.ToArray(), http.RequestAborted);
        });

        Assert.Equal("data: 1\n\ndata: 2\n\n", Encoding.UTF8.GetString(answer.Body.Span));
        Assert.True(context.RequestAborted.IsCancellationRequested);
    }

    private static (HttpContext Context, MemoryStream Body) Context()
    {
        var body = new MemoryStream();
        var context = new DefaultHttpContext();
        context.Response.Body = body;
        return (context, body);
    }

    private static string Text(MemoryStream body) => Encoding.UTF8.GetString(body.ToArray());

    private sealed class LeftStream : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("gone");
    }
}
