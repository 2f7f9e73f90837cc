using System.Globalization;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.OpenAi;

/// <summary>A call's answer as a whole, with what it cost in the headers.</summary>
internal static class CallResponse
{
    public static Task WriteAsync(HttpContext context, LlmAnswer answer) => WriteAsync(context, answer, answer.Response);

    /// <param name="body">What is sent instead of the answer's own.</param>
    public static Task WriteAsync<T>(HttpContext context, LlmAnswer answer, T body)
    {
        if (answer.Job is { } job)
        {
            context.Response.Headers["x-credits-charged"] = Plain(job.CreditsCharged);
            context.Response.Headers["x-credits-remaining"] = Plain(job.CreditsRemaining);
        }

        return context.Response.WriteAsJsonAsync(body, ApiJson.Options, "application/json", context.RequestAborted);
    }

    private static string Plain(decimal credits) => Money.Trim(credits).ToString(CultureInfo.InvariantCulture);
}
