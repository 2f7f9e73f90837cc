using FluentValidation.Results;
using Microsoft.AspNetCore.Http;

namespace FastEndpoints;

/// <summary>What extension methods of Send are written against.</summary>
public interface IResponseSender
{
    HttpContext HttpContext { get; }

    List<ValidationFailure> ValidationFailures { get; }

    EndpointDefinition Definition { get; }
}

/// <summary>Sends an endpoint's answer.</summary>
public readonly struct ResponseSender<TRequest, TResponse>(Endpoint<TRequest, TResponse> ep) : IResponseSender where TRequest : notnull
{
    public HttpContext HttpContext => ep.HttpContext;

    public List<ValidationFailure> ValidationFailures => ep.ValidationFailures;

    public EndpointDefinition Definition => ep.Definition;

    public Task<Void> OkAsync(TResponse response, CancellationToken cancellation)
    {
        ep.Response = response;
        return JsonAsync(response, 200, cancellation);
    }

    public Task<Void> OkAsync(TResponse response) => OkAsync(response, CancellationToken.None);

    public Task<Void> OkAsync() => OkAsync(CancellationToken.None);

    public Task<Void> OkAsync(CancellationToken cancellation) => StatusCodeAsync(200, cancellation);

    public Task<Void> ResponseAsync(TResponse response, int statusCode = 200, CancellationToken cancellation = default)
    {
        ep.Response = response;
        return JsonAsync(response, statusCode, cancellation);
    }

    public async Task<Void> ErrorsAsync(int statusCode = 400, CancellationToken cancellation = default)
    {
        var http = ep.HttpContext;
        http.MarkResponseStart();
        http.Response.StatusCode = statusCode;
        var content = Config.ErrorSettings.ResponseBuilder(ep.ValidationFailures, http, statusCode);
        await Config.SerializerSettings.ResponseSerializer(
            http.Response, content, Config.ErrorSettings.ContentType, null, OrAborted(cancellation));
        return Void.Instance;
    }

    public Task<Void> NoContentAsync(CancellationToken cancellation = default) => StatusCodeAsync(204, cancellation);

    public Task<Void> NotFoundAsync(CancellationToken cancellation = default) => StatusCodeAsync(404, cancellation);

    public Task<Void> ForbiddenAsync(CancellationToken cancellation = default) => StatusCodeAsync(403, cancellation);

    public Task<Void> UnauthorizedAsync(CancellationToken cancellation = default) => StatusCodeAsync(401, cancellation);

    public async Task<Void> StatusCodeAsync(int statusCode, CancellationToken cancellation = default)
    {
        var http = ep.HttpContext;
        http.MarkResponseStart();
        http.Response.StatusCode = statusCode;
        await http.Response.StartAsync(OrAborted(cancellation));
        return Void.Instance;
    }

    public async Task<Void> ResultAsync(IResult result)
    {
        ep.HttpContext.MarkResponseStart();
        await result.ExecuteAsync(ep.HttpContext);
        return Void.Instance;
    }

    public async Task<Void> StringAsync(
        string content, int statusCode = 200, string contentType = "text/plain; charset=utf-8", CancellationToken cancellation = default)
    {
        var http = ep.HttpContext;
        http.MarkResponseStart();
        http.Response.StatusCode = statusCode;
        http.Response.ContentType = contentType;
        await http.Response.WriteAsync(content, OrAborted(cancellation));
        return Void.Instance;
    }

    private async Task<Void> JsonAsync(object? response, int statusCode, CancellationToken cancellation)
    {
        var http = ep.HttpContext;
        http.MarkResponseStart();
        http.Response.StatusCode = statusCode;
        await Config.SerializerSettings.ResponseSerializer(http.Response, response, "application/json", null, OrAborted(cancellation));
        return Void.Instance;
    }

    private CancellationToken OrAborted(CancellationToken cancellation)
        => cancellation == CancellationToken.None ? ep.HttpContext.RequestAborted : cancellation;
}

/// <summary>Whether an answer has begun.</summary>
public static class HttpContextExtensions
{
    private static readonly object s_key = new();

    public static void MarkResponseStart(this HttpContext httpCtx) => httpCtx.Items[s_key] = null;

    public static bool ResponseStarted(this HttpContext httpCtx) => httpCtx.Response.HasStarted || httpCtx.Items.ContainsKey(s_key);
}
