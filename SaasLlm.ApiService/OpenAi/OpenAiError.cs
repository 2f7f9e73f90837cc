using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Json;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>OpenAI's error envelope: <c>{"error": {message, type, param, code, …}}</c>. Its clients lose the text of any other shape.</summary>
internal static class OpenAiError
{
    /// <summary>Answers with an error; does nothing when an answer has begun.</summary>
    /// <param name="details">Further members of <c>error</c>; <c>param</c> names the field.</param>
    public static Task WriteAsync(
        HttpContext context, int status, string code, string message, IReadOnlyDictionary<string, object?>? details, TimeSpan? retryAfter)
    {
        var response = context.Response;
        if (response.HasStarted)
        {
            return Task.CompletedTask;
        }

        response.StatusCode = status;
        if (retryAfter is { } wait)
        {
            Problem.WriteRetryAfter(response, wait);
        }

        if (IsFinal(status, code))
        {
            // The SDKs would repeat some of these; it would help nobody.
            response.Headers["x-should-retry"] = "false";
        }

        return response.WriteAsJsonAsync(Document(status, code, message, details), ApiJson.Options, "application/json", context.RequestAborted);
    }

    /// <summary>The envelope, for an answer or an event.</summary>
    public static Dictionary<string, object?> Document(int status, string code, string message, IReadOnlyDictionary<string, object?>? details)
    {
        var error = new Dictionary<string, object?>
        {
            ["message"] = message,
            ["type"] = TypeOf(status),
            ["param"] = details?.GetValueOrDefault("param"),
            ["code"] = code,
        };
        foreach (var (name, value) in details ?? new Dictionary<string, object?>())
        {
            error.TryAdd(name, value);
        }

        return new() { ["error"] = error };
    }

    // What needs credits, another request or the operator. Others of these statuses pass by themselves.
    private static bool IsFinal(int status, string code)
        => status == StatusCodes.Status402PaymentRequired
           || code is "jobs.limit" or "idempotency.key_reused" or "idempotency.outcome_unknown" or "job.ended" or "job.expired"
               or "background.runs_itself" or "pricing.unpriced" or "llm.gateway_missing";

    private static string TypeOf(int status) => status switch
    {
        401 => "authentication_error",
        402 => "insufficient_quota",
        403 => "permission_error",
        429 => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };
}
