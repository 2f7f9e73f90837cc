using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace SaasLlm.ApiService.Platform.Errors;

/// <summary>What is refused before an endpoint runs.</summary>
internal static class RequestGuards
{
    /// <summary>NUL in the query (Postgres stores none in a text), another charset, and a missing content type where a body is expected.</summary>
    public static Task Refuse(HttpContext context, RequestDelegate next)
    {
        if (context.Request.QueryString.Value?.Contains("%00", StringComparison.Ordinal) == true)
        {
            return Problem.WriteAsync(context, 400, "request.malformed", "The query may not hold the NUL character.");
        }

        if (MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
            && type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
        {
            return Problem.WriteAsync(context, 415, "request.unsupported_media_type", "Send the body as application/json in UTF-8.");
        }

        // FastEndpoints begins its 415 for a missing content type by itself, without a body; this comes before it.
        return context.Request.ContentType is null
               && context.GetEndpoint()?.Metadata.GetMetadata<IAcceptsMetadata>() is { } accepts
               && !accepts.ContentTypes.Contains("*/*")
            ? Problem.WriteAsync(context, 415, "request.unsupported_media_type", "Send the body as application/json.")
            : next(context);
    }
}
