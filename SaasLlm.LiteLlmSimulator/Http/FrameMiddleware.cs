using System.Text.Json.Nodes;

namespace SaasLlm.LiteLlmSimulator.Http;

/// <summary>What surrounds every answer: common headers, trailing slashes, CORS, and JSON for unknown routes and methods.</summary>
internal sealed partial class FrameMiddleware(RequestDelegate next, ILogger<FrameMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext http)
    {
        var request = http.Request;
        var headers = http.Response.Headers;
        headers.Vary = "Origin";
        headers.XFrameOptions = "DENY";
        headers.ContentSecurityPolicy = "frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        if (HttpMethods.IsOptions(request.Method) && request.Headers.ContainsKey("Origin"))
        {
            await PreflightAsync(http);
            return;
        }

        if (request.Path.Value is { Length: > 1 } path && path.EndsWith('/'))
        {
            http.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            headers.Location = $"{request.Scheme}://{request.Host}{path.TrimEnd('/')}{request.QueryString}";
            return;
        }

        try
        {
            await next(http);
        }
        catch (Exception exception) when (exception is not CutException && !http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
        {
            LogFailure(request.Method, request.Path, exception);
            await Errors.Crash().WriteToAsync(http);
        }

        if (!http.Response.HasStarted && http.GetEndpoint() is null or { DisplayName: "405 HTTP Method Not Supported" })
        {
            var (status, text) = http.GetEndpoint() is null ? (404, "Not Found") : (405, "Method Not Allowed");
            await Json.WriteAsync(http.Response, status, HttpMethods.IsHead(request.Method) ? null : new JsonObject { ["detail"] = text });
        }
    }

    [LoggerMessage(1, LogLevel.Error, "The simulator itself failed on {Method} {Path}")]
    private partial void LogFailure(string method, string path, Exception exception);

    private static Task PreflightAsync(HttpContext http)
    {
        http.Response.Headers.AccessControlAllowOrigin = "*";
        http.Response.Headers.AccessControlAllowMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
        http.Response.Headers.AccessControlMaxAge = "600";
        http.Response.ContentType = "text/plain; charset=utf-8";
        return http.Response.WriteAsync("OK", http.RequestAborted);
    }
}
