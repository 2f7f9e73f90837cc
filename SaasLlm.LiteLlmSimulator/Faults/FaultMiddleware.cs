using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Inference;
using SaasLlm.LiteLlmSimulator.Playing;

namespace SaasLlm.LiteLlmSimulator.Faults;

/// <summary>Lets an armed fault happen to the call in place of, or before, its ordinary answer.</summary>
internal sealed class FaultMiddleware(RequestDelegate next, FaultBook faults, RecordingPlayer player, AliasPlayer aliases, TimeProvider time)
{
    public async Task InvokeAsync(HttpContext http)
    {
        var path = http.Request.Path.Value!;
        var model = RequestBody.Of(http).TryParse(out var body, out _) ? body.StringOf("model") : null;
        var isInference = InferenceRoutes.IsInference(http.Request);
        if (path.StartsWith("/simulator", StringComparison.Ordinal) || faults.Take(path, model, isInference) is not { } fault)
        {
            await next(http);
            return;
        }

        await Task.Delay(fault.Delay, time, http.RequestAborted);
        if (fault.Recording is not null)
        {
            await player.Answer(fault.Recording).WriteToAsync(http);
        }
        else if (fault.Alias is null)
        {
            await next(http);
        }
        else if (isInference)
        {
            http.Features.Set(new ArmedAlias(fault.Alias));
            await next(http);
        }
        else if (await aliases.AnswerAsync(http, fault.Alias, isStream: false) is { } answer)
        {
            await answer.WriteToAsync(http);
        }
        else
        {
            await next(http);
        }
    }
}
