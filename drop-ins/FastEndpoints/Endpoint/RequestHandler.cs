using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;

namespace FastEndpoints;

/// <summary>Runs the matched endpoint.</summary>
internal sealed class RequestHandler : IResult
{
    public static RequestHandler Instance { get; } = new();

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var metadata = httpContext.GetEndpoint()!.Metadata;
        if (httpContext.Request.ContentType is null
            && metadata.GetMetadata<IAcceptsMetadata>() is { } accepts
            && !accepts.ContentTypes.Contains("*/*"))
        {
            httpContext.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return httpContext.Response.StartAsync(httpContext.RequestAborted);
        }

        var endpoint = metadata.GetMetadata<EndpointDefinition>()!.Create(httpContext);
        if (endpoint is IAsyncDisposable asyncDisposable)
        {
            httpContext.Response.RegisterForDisposeAsync(asyncDisposable);
        }
        else if (endpoint is IDisposable disposable)
        {
            httpContext.Response.RegisterForDispose(disposable);
        }

        return endpoint.ExecAsync(httpContext.RequestAborted);
    }
}
