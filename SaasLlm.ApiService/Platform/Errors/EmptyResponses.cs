using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Diagnostics;
using SaasLlm.ApiService.OpenAi;

namespace SaasLlm.ApiService.Platform.Errors;

/// <summary>Gives a body to the refusals that the framework itself sends without one.</summary>
internal static class EmptyResponses
{
    public static async Task Describe(StatusCodeContext context)
    {
        // A wrong key is told so first, on routes that are not there too.
        if ((await context.HttpContext.AuthenticateAsync()).Failure is not null)
        {
            await context.HttpContext.ChallengeAsync();
            return;
        }

        var (code, title) = context.HttpContext.Response.StatusCode switch
        {
            400 => ("request.malformed", "The request could not be read."),
            404 => ("route.not_found", NotServed.Of(context.HttpContext) ?? "There is no such route."),
            405 => ("route.method_not_allowed", NotServed.Of(context.HttpContext) ?? "The route does not take this method."),
            413 => ("request.too_large", "The request body is too large."),
            415 => ("request.unsupported_media_type", "Send the body as application/json."),
            var status when status >= 500 => ("internal", "Something went wrong on our side."),
            _ => ("request.refused", "The request was refused."),
        };
        await Problem.WriteAsync(context.HttpContext, context.HttpContext.Response.StatusCode, code, title);
    }
}
