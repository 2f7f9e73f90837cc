using System.Diagnostics;
using System.Globalization;
using SaasLlm.ApiService.OpenAi;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Platform.Errors;

/// <summary>Problem details (RFC 9457) with a stable <c>code</c>: the one shape of every refusal; OpenAI's clients get theirs.</summary>
internal static class Problem
{
    public const string ContentType = "application/problem+json";

    /// <summary>Answers with a failure of Core.</summary>
    public static Task WriteAsync(HttpContext context, Failure failure)
    {
        context.Features.Get<AnswerTee>()?.Failure = failure;
        if (failure.ShouldRetry is { } should && !context.Response.HasStarted)
        {
            context.Response.Headers["x-should-retry"] = should ? "true" : "false";
        }

        return WriteAsync(context, StatusOf(failure.Kind), failure.Code, failure.Message, failure.Details, failure.RetryAfter);
    }

    /// <summary>Answers with a problem document; does nothing when an answer has begun.</summary>
    public static Task WriteAsync(
        HttpContext context,
        int status,
        string code,
        string title,
        IReadOnlyDictionary<string, object?>? details = null,
        TimeSpan? retryAfter = null)
    {
        if (context.Response.HasStarted)
        {
            return Task.CompletedTask;
        }

        if (context.Features.Get<OpenAiSurface>() is not null)
        {
            return OpenAiError.WriteAsync(context, status, code, title, details, retryAfter);
        }

        context.Response.StatusCode = status;
        if (retryAfter is { } wait)
        {
            WriteRetryAfter(context.Response, wait);
        }

        return context.Response.WriteAsJsonAsync(
            Document(context, status, code, title, details), ApiJson.Options, ContentType, context.RequestAborted);
    }

    /// <summary>In whole seconds, rounded up; and exactly, for the clients that read milliseconds.</summary>
    public static void WriteRetryAfter(HttpResponse response, TimeSpan wait)
    {
        response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        response.Headers["retry-after-ms"] = Math.Max(1, Math.Ceiling(wait.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The members of a problem document, by their JSON names.</summary>
    public static Dictionary<string, object?> Document(
        HttpContext context, int status, string code, string title, IReadOnlyDictionary<string, object?>? details = null)
    {
        var document = new Dictionary<string, object?>
        {
            ["type"] = $"urn:saasllm:problem:{code}",
            ["title"] = title,
            ["status"] = status,
            ["code"] = code,
            ["trace_id"] = Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier,
        };
        foreach (var (name, value) in details ?? new Dictionary<string, object?>())
        {
            document.TryAdd(name, value);
        }

        return document;
    }

    /// <summary>The HTTP status of each kind of failure.</summary>
    public static int StatusOf(FailureKind kind) => kind switch
    {
        FailureKind.Invalid => StatusCodes.Status400BadRequest,
        FailureKind.InsufficientCredits => StatusCodes.Status402PaymentRequired,
        FailureKind.Forbidden => StatusCodes.Status403Forbidden,
        FailureKind.NotFound => StatusCodes.Status404NotFound,
        FailureKind.Conflict => StatusCodes.Status409Conflict,
        FailureKind.LimitReached => StatusCodes.Status429TooManyRequests,
        FailureKind.UpstreamFailed => StatusCodes.Status502BadGateway,
        FailureKind.UpstreamTimeout => StatusCodes.Status504GatewayTimeout,
        FailureKind.Unavailable => StatusCodes.Status503ServiceUnavailable,
        _ => throw new UnreachableException(),
    };
}
