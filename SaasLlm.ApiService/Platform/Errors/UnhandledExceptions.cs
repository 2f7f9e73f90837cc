using System.Net.Sockets;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;

namespace SaasLlm.ApiService.Platform.Errors;

/// <summary>The one place that meets exceptions: logs them fully, answers with a generic sentence.</summary>
internal sealed partial class UnhandledExceptions(ILogger<UnhandledExceptions> logger) : IExceptionHandler
{
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromSeconds(2);

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
            case var _ when IsStoreGone(exception):
                LogStoreGone(exception);
                await Problem.WriteAsync(context, 503, "store.unavailable",
                    "The database is not available. Nothing was accepted; repeat in a moment.", retryAfter: s_retryAfter);
                break;
            case var _:
                LogUnhandled(exception);
                await Problem.WriteAsync(context, 500, "internal", "Something went wrong on our side. Name the trace_id when you report it.");
                break;
        }

        return true;
    }

    private static bool IsStoreGone(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            // Class 57 is operator intervention (shutdown, crash, starting up), 08 a lost connection, 53300 too many connections.
            if (cause is PostgresException { SqlState: var state }
                && (state.StartsWith("57P", StringComparison.Ordinal) || state.StartsWith("08", StringComparison.Ordinal) || state == "53300"))
            {
                return true;
            }

            if (cause is NpgsqlException { IsTransient: true } or NpgsqlException { InnerException: SocketException or IOException or TimeoutException })
            {
                return true;
            }
        }

        return false;
    }

    [LoggerMessage(1001, LogLevel.Error, "Unhandled exception")]
    private partial void LogUnhandled(Exception exception);

    [LoggerMessage(1002, LogLevel.Warning, "Postgres is not available")]
    private partial void LogStoreGone(Exception exception);
}
