using System.Globalization;
using System.Text.Json;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Llm;

/// <summary>Binds a call to the request that makes it: to its key's limits, and its answer's <c>x-call-id</c>, <c>x-ratelimit-*</c> and <c>Server-Timing</c> headers.</summary>
internal static class CallerOfCall
{
    /// <summary>Every call an endpoint makes passes here.</summary>
    /// <param name="sent">The request's body, by <see cref="BodyToKeep"/>.</param>
    public static LlmCall By(this LlmCall call, HttpContext context, JsonElement? sent)
    {
        // Its body is read: what the call takes from here on is not the sender's.
        var clock = new CallClock(context.RequestServices.GetRequiredService<TimeProvider>(), context.Features.Get<RequestClock>()?.BegunAt);
        context.Features.Set(clock);
        context.Features.Get<AnswerTee>()?.Ending = () => Name(context.Response, call, clock);
        context.Response.OnStarting(() =>
        {
            context.Response.Headers["Server-Timing"] = Text(clock);
            Name(context.Response, call, clock);
            return Task.CompletedTask;
        });
        return call with { Caller = context.GetCaller().Team, Measured = status => Write(context.Response.Headers, status), Clock = clock, Sent = sent };
    }

    /// <summary>The body as it was sent; null where the caller's team keeps none, so that a call does not hold it for nothing.</summary>
    public static JsonElement? BodyToKeep(this HttpContext context, JsonElement sent)
        => context.GetCaller().Team is { KeepBodiesDays: null } ? null : sent;

    private static void Name(HttpResponse response, LlmCall call, CallClock clock)
    {
        if (clock.HasBegun)
        {
            response.Headers["x-call-id"] = clock.CallId.ToString();
        }
        else if (call.NewJob is not null)
        {
            // It was refused before a job opened: the id names nothing.
            response.Headers.Remove("x-job-id");
        }
    }

    // What is known when the headers go out: of a stream, until its first content.
    private static string Text(CallClock clock)
    {
        var (upstream, overhead) = clock.Read();
        return string.Create(CultureInfo.InvariantCulture, $"upstream;dur={upstream.TotalMilliseconds:0.###}, overhead;dur={overhead.TotalMilliseconds:0.###}");
    }

    /// <summary>As OpenAI's API writes a duration: <c>120ms</c>, <c>1s</c>, <c>6m0s</c>.</summary>
    internal static string Text(TimeSpan duration)
    {
        if (duration < TimeSpan.FromSeconds(1))
        {
            return string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(Math.Max(0, duration.TotalMilliseconds))}ms");
        }

        var (minutes, seconds) = ((long)duration.TotalMinutes, duration.TotalSeconds % 60);
        var rest = string.Create(CultureInfo.InvariantCulture, $"{seconds:0.###}s");
        return minutes == 0 ? rest : string.Create(CultureInfo.InvariantCulture, $"{minutes}m{rest}");
    }

    private static void Write(IHeaderDictionary headers, RateStatus status)
    {
        Write(headers, "requests", status.Requests);
        Write(headers, "tokens", status.Tokens);
    }

    private static void Write(IHeaderDictionary headers, string what, RateRoom? room)
    {
        if (room is not null)
        {
            headers[$"x-ratelimit-limit-{what}"] = room.Limit.ToString(CultureInfo.InvariantCulture);
            headers[$"x-ratelimit-remaining-{what}"] = room.Remaining.ToString(CultureInfo.InvariantCulture);
            headers[$"x-ratelimit-reset-{what}"] = Text(room.ResetIn);
        }
    }
}
