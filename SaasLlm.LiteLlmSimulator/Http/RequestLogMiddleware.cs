namespace SaasLlm.LiteLlmSimulator.Http;

/// <summary>Reads the body once, keeps it for whoever needs it, and notes the request.</summary>
internal sealed class RequestLogMiddleware(RequestDelegate next, RequestLog log, TimeProvider time)
{
    public async Task InvokeAsync(HttpContext http)
    {
        using var buffer = new MemoryStream();
        await http.Request.Body.CopyToAsync(buffer, http.RequestAborted);
        var body = buffer.ToArray();
        http.Features.Set(new RequestBody(body));
        if (!http.Request.Path.StartsWithSegments("/simulator"))
        {
            log.Add(http.Request, body, time.GetUtcNow());
        }

        await next(http);
    }
}
