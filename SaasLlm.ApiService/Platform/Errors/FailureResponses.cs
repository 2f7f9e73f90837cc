using FastEndpoints;
using SaasLlm.Core.Common;

namespace SaasLlm.ApiService.Platform.Errors;

internal static class FailureResponses
{
    /// <summary>Answers with the problem document of an expected refusal.</summary>
    public static Task FailureAsync(this IResponseSender sender, Failure failure)
    {
        sender.HttpContext.MarkResponseStart();
        return Problem.WriteAsync(sender.HttpContext, failure);
    }
}
