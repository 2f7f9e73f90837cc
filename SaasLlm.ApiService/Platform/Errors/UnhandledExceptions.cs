using Microsoft.AspNetCore.Diagnostics;
using SaasLlm.Core.Data;

namespace SaasLlm.ApiService.Platform.Errors;

/// <summary>The one place that meets exceptions: logs them fully, answers with a generic sentence.</summary>
internal sealed partial class UnhandledExceptions(ILogger<UnhandledExceptions> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellation)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }

        switch (exception)
        {
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                await Problem.WriteAsync(context, 413, "request.too_large", "The request body is too large.");
                break;
            case BadHttpRequestException bad:
                await Problem.WriteAsync(context, bad.StatusCode, "request.malformed", "The request could not be read.");
                break;
            case var _ when StoreErrors.IsUnavailable(exception):
                LogStoreGone(exception);
                await Problem.WriteAsync(context, StoreErrors.Unavailable);
                break;
            case var _:
                LogUnhandled(exception);
                await Problem.WriteAsync(context, 500, "internal", "Something went wrong on our side. Name the trace_id when you report it.");
                break;
        }

        return true;
    }

    [LoggerMessage(1001, LogLevel.Error, "Unhandled exception")]
    private partial void LogUnhandled(Exception exception);

    [LoggerMessage(1002, LogLevel.Warning, "Postgres is not available")]
    private partial void LogStoreGone(Exception exception);
}
