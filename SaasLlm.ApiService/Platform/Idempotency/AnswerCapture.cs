using SaasLlm.Core.Common;
using SaasLlm.Core.Idempotency;

namespace SaasLlm.ApiService.Platform.Idempotency;

/// <summary>What becomes of an answer.</summary>
internal enum AnswerFate
{
    /// <summary>Repeats get it again.</summary>
    Keep,

    /// <summary>It failed on our side, with who knows what done: a repeat works, with the same ids.</summary>
    Release,

    /// <summary>It failed, and is over: a repeat works, with ids of its own.</summary>
    Renew,

    /// <summary>A model was asked, and nobody knows whether that was recorded: a repeat is told so, and asks no model.</summary>
    Abandon,

    /// <summary>Nothing was done, and the caller is asked to come again: the key is free.</summary>
    Forget,
}

/// <summary>An answer that was held back.</summary>
/// <param name="Sent">Bytes of it that went out already.</param>
/// <param name="Failure">What it says; of a stream, what ended it.</param>
internal sealed record CapturedAnswer(StoredAnswer Answer, int Sent, Failure? Failure);

/// <summary>Holds an answer back until it is stored; of a stream, its end.</summary>
internal static class AnswerCapture
{
    // The rest of an answer's headers belongs to the one exchange.
    private static readonly string[] s_headers =
    [
        "Content-Type", "Location", "Retry-After", "retry-after-ms", "x-should-retry", "x-job-id", "x-call-id", "x-credits-charged", "x-credits-remaining",
    ];

    /// <summary>Runs the request to its end and returns its answer.</summary>
    public static async Task<CapturedAnswer> RunAsync(HttpContext context, RequestDelegate next)
    {
        var (body, aborted) = (context.Response.Body, context.RequestAborted);
        await using var tee = new AnswerTee(context.Response, body, aborted);
        context.Features.Set(tee);
        try
        {
            context.Response.Body = tee;
            // A caller that leaves will ask again, and finds the answer.
            context.RequestAborted = CancellationToken.None;
            await next(context);
            await context.Response.BodyWriter.FlushAsync(CancellationToken.None);
            if (!context.Response.HasStarted)
            {
                tee.Ending?.Invoke();
            }
        }
        finally
        {
            (context.Response.Body, context.RequestAborted) = (body, aborted);
            context.Features.Set<AnswerTee>(null);
        }

        var headers = s_headers
            .Where(name => context.Response.Headers.ContainsKey(name))
            .Select(name => KeyValuePair.Create(name, context.Response.Headers[name].ToString()));
        return new(new(context.Response.StatusCode, [.. headers], tee.ToArray()), tee.Sent, tee.Failure);
    }

    /// <summary>
    /// An answer that says when to come again is none to keep, whatever its status. Nor is that of a call that failed: it is over, its job
    /// too if that was all its own, and a repeat makes it anew, unless the store may know better how it ended. Where it was sent by then, it is
    /// never sent again. Where it was not, and only its beginning may be recorded, a repeat must not find that: it could not tell it from a call
    /// that was sent. What began so expires, and is not charged.
    /// </summary>
    /// <param name="failure">What it says; of a stream, what ended it.</param>
    /// <param name="isCall">The request calls a model.</param>
    /// <param name="wasSent">It has called one.</param>
    public static AnswerFate FateOf(StoredAnswer answer, Failure? failure = null, bool isCall = false, bool wasSent = false) => answer.Status switch
    {
        < 300 or >= 500 when isCall && failure is { } ended && !ended.Code.StartsWith("store.", StringComparison.Ordinal) => AnswerFate.Renew,
        < 300 or >= 500 when isCall && !wasSent && failure is { Code: "store.outcome_unknown" } => AnswerFate.Renew,
        < 300 when failure is not null && wasSent => AnswerFate.Abandon,
        < 300 when failure is not null && isCall => AnswerFate.Release,
        >= 500 when wasSent => AnswerFate.Abandon,
        >= 500 => AnswerFate.Release,
        StatusCodes.Status408RequestTimeout or StatusCodes.Status429TooManyRequests => AnswerFate.Forget,
        _ => answer.Headers.Any(header => header.Key == "Retry-After") ? AnswerFate.Forget : AnswerFate.Keep,
    };

    /// <param name="sent">Bytes of it that went out already.</param>
    public static async Task SendAsync(HttpResponse response, StoredAnswer answer, int sent = 0)
    {
        if (sent > 0)
        {
            await response.Body.WriteAsync(answer.Body[sent..], response.HttpContext.RequestAborted);
            return;
        }

        response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers)
        {
            response.Headers[name] = value;
        }

        // An empty refusal gets its body further out.
        if (!answer.Body.IsEmpty)
        {
            response.ContentLength = answer.Body.Length;
            await response.Body.WriteAsync(answer.Body, response.HttpContext.RequestAborted);
        }
    }
}
