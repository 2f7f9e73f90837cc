using System.Globalization;
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
            context.Request.QueryString.Value ?? "",
            await ReadBodyAsync(context),
            route.Metadata.GetMetadata<NeverRepeated>() is null);
    }

    private static async Task<byte[]> ReadBodyAsync(HttpContext context)
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
        var body = buffer.ToArray();
        context.Request.Body = new MemoryStream(body, writable: false);
        return body;
    }
}
