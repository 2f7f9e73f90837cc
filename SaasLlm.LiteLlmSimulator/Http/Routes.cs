using System.Text.Json;
using SaasLlm.LiteLlmSimulator.Keys;

namespace SaasLlm.LiteLlmSimulator.Http;

internal enum Access
{
    /// <summary>Any key; malformed JSON is refused before the key is looked at.</summary>
    Inference,

    /// <summary>Any key that is not limited to other routes.</summary>
    AnyKey,

    /// <summary>The master key only.</summary>
    Admin,
}

internal static class Routes
{
    public static void Route(
        this IEndpointRouteBuilder app, string method, string[] paths, Access access, Func<Call, Answer> handle) =>
        app.Route(method, paths, access, call => Task.FromResult(handle(call)));

    public static void Route(
        this IEndpointRouteBuilder app, string method, string[] paths, Access access, Func<Call, Task<Answer>> handle)
    {
        foreach (var path in paths)
        {
            app.MapMethods(path, [method], async http =>
            {
                var answer = await AnswerAsync(http, access, handle);
                await answer.WriteToAsync(http);
            });
        }
    }

    private static async Task<Answer> AnswerAsync(HttpContext http, Access access, Func<Call, Task<Answer>> handle)
    {
        var parsed = RequestBody.Of(http).TryParse(out var body, out var fault);
        if (!parsed && access is Access.Inference)
        {
            return Errors.Proxy(400, "invalid_request_error", fault, "request_body");
        }

        var (caller, refusal) = http.RequestServices.GetRequiredService<Authenticator>().Authenticate(http, access);
        if (caller is null)
        {
            return refusal!;
        }

        if (!parsed)
        {
            return Errors.Invalid("json_invalid", "JSON decode error", "body", 1);
        }

        if (body.ValueKind is not (JsonValueKind.Object or JsonValueKind.Undefined))
        {
            return access is Access.Inference
                ? Errors.Crash()
                : Errors.Invalid("model_attributes_type", "Input should be a valid dictionary or object to extract fields from", "body");
        }

        return await handle(new Call(http, body, caller));
    }
}
