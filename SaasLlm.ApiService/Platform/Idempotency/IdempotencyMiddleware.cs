using Microsoft.Extensions.Primitives;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Failpoints;
using SaasLlm.Core.Idempotency;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Platform.Idempotency;

/// <summary>
/// <c>Idempotency-Key</c> on every POST of a known caller: the first request with a key works, its twins wait, repeats get the same
/// answer. Stands after access and before binding; other methods, and requests without the header, pass untouched.
/// </summary>
internal static class IdempotencyMiddleware
{
    public const string Header = "Idempotency-Key";

    /// <summary><c>true</c> on an answer that was given before.</summary>
    public const string ReplayedHeader = "Idempotent-Replayed";

    public static Task HandleAsync(HttpContext context, RequestDelegate next)
        => HttpMethods.IsPost(context.Request.Method)
           && context.Request.Headers.TryGetValue(Header, out var key)
           && context.GetEndpoint() is RouteEndpoint route
           && context.Features.Get<Caller>() is { } caller
            ? HandleAsync(context, next, route, caller, key)
            : next(context);

    private static async Task HandleAsync(HttpContext context, RequestDelegate next, RouteEndpoint route, Caller caller, StringValues key)
    {
        if (key is not [var only] || !KeyedRequest.IsKey(only))
        {
            await Problem.WriteAsync(
                context, 400, "idempotency.invalid_key", $"{Header} must be 1 to {KeyedRequest.KeyLengthMax} visible ASCII characters, sent once.");
            return;
        }

        var claims = context.RequestServices.GetRequiredService<IdempotencyClaims>();
        var request = await KeyedRequests.ReadAsync(context, route, caller, only!);
        if (!(await claims.EnterAsync(request, context.RequestAborted)).TryGet(out var entered, out var refused))
        {
            await Problem.WriteAsync(context, refused);
        }
        else if (entered.Answer is { } answer)
        {
            context.Response.Headers[ReplayedHeader] = "true";
            await AnswerCapture.SendAsync(context.Response, answer);
        }
        else
        {
            await WorkAsync(context, next, claims, entered.Work!, request.MayRepeat);
        }
    }

    private static async Task WorkAsync(HttpContext context, RequestDelegate next, IdempotencyClaims claims, IdempotentWork work, bool mayRepeat)
    {
        context.Features.Set(work);
        Failpoint.Hit(FailpointName.KeyClaimed);
        CapturedAnswer captured;
        try
        {
            await using var alive = claims.KeepAlive(work);
            captured = await AnswerCapture.RunAsync(context, next);
        }
        catch (ClaimLostException)
        {
            await Problem.WriteAsync(context, IdempotencyClaims.InProgress);
            return;
        }
        catch (Exception exception)
        {
            // Nobody knows how far it came. What may not be done twice keeps its claim, which lapses: its outcome is unknown.
            if (mayRepeat || (Core.Data.StoreErrors.IsUnavailable(exception) && !WasSent(context)))
            {
                await claims.ReleaseAsync(work);
            }

            throw;
        }

        Failpoint.Hit(FailpointName.KeyWorked);
        // First kept, then sent: what the caller has seen, a repeat sees again.
        // What may not be done twice is a call to a model.
        await (AnswerCapture.FateOf(captured.Answer, captured.Failure, isCall: !mayRepeat, WasSent(context)) switch
        {
            AnswerFate.Keep => claims.CompleteAsync(work, captured.Answer),
            AnswerFate.Release => claims.ReleaseAsync(work),
            AnswerFate.Renew => claims.RenewAsync(work),
            AnswerFate.Abandon => claims.AbandonAsync(work),
            _ => claims.ForgetAsync(work),
        });
        Failpoint.Hit(FailpointName.KeyStored);
        await AnswerCapture.SendAsync(context.Response, captured.Answer, captured.Sent);
    }

    private static bool WasSent(HttpContext context) => context.Features.Get<CallClock>() is { WasSent: true };
}
