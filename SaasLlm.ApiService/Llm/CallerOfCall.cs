using System.Globalization;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Llm;

/// <summary>Binds a call to the request that makes it: to its key's limits, and its answer's <c>x-ratelimit-*</c> and <c>Server-Timing</c> headers.</summary>
internal static class CallerOfCall
{
    /// <summary>Every call an endpoint makes passes here.</summary>
    public static LlmCall By(this LlmCall call, HttpContext context)
    {
        var clock = new CallClock(context.RequestServices.GetRequiredService<TimeProvider>());
        context.Response.OnStarting(() =>
        {
            context.Response.Headers["Server-Timing"] = Text(clock);
            if (call.NewJob is not null && !clock.HasBegun)
            {
                // It was refused before a job opened: the id names nothing.
                context.Response.Headers.Remove("x-job-id");
            }

            return Task.CompletedTask;
        });
        return call with { Caller = context.GetCaller().Team, Measured = status => Write(context.Response.Headers, status), Clock = clock };
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
