using System.Globalization;
using SaasLlm.ApiService.OpenAi;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.Core.Idempotency;

namespace SaasLlm.ApiService.Platform.Idempotency;

/// <summary>Reads what a keyed request is known by.</summary>
internal static class KeyedRequests
{
    /// <summary>Reads the body to its end, within the route's limit, and leaves it to be read again.</summary>
    public static async Task<KeyedRequest> ReadAsync(HttpContext context, RouteEndpoint route, Caller caller, string key)
    {
        var pattern = route.RoutePattern;
        return new(
            caller.Team is { } team ? $"team:{team.TeamId}" : "operator",
            $"{context.Request.Method} {pattern.RawText}",
            [.. pattern.Parameters.Select(parameter => Convert.ToString(context.Request.RouteValues[parameter.Name], CultureInfo.InvariantCulture) ?? "")],
            key,
            Query(context),
            await ReadBodyAsync(context),
            route.Metadata.GetMetadata<NeverRepeated>() is null);
    }

    // The deployment of Azure's path is what other bodies name as their model.
    private static string Query(HttpContext context)
        => context.Features.Get<OpenAiSurface>()?.Deployment is { } deployment
            ? $"/deployments/{Uri.EscapeDataString(deployment)}{context.Request.QueryString.Value}"
            : context.Request.QueryString.Value ?? "";

    private static async Task<byte[]> ReadBodyAsync(HttpContext context)
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
        var body = buffer.ToArray();
        context.Request.Body = new MemoryStream(body, writable: false);
        return body;
    }
}
