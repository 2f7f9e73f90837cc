using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Models;
using SaasLlm.LiteLlmSimulator.Playing;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>The x-litellm headers of inference answers.</summary>
internal static class CallHeaders
{
    public const string ApiBase = "http://provider.test/v1";

    /// <summary>Headers of a good answer; <c>-response-cost</c> only where the cost is known and above zero, never on streams.</summary>
    public static Dictionary<string, string> Success(InferenceCall call, Echo echo, bool isStream)
    {
        var model = call.Model;
        var input = isStream ? 0 : echo.InputCost(model);
        var output = isStream ? 0 : echo.OutputCost(model);
        var headers = new Dictionary<string, string>
        {
            ["x-litellm-call-id"] = call.CallId,
            ["x-litellm-model-id"] = model.Id,
            ["x-litellm-model-name"] = model.Provider,
            ["x-litellm-model-api-base"] = ApiBase,
            ["x-litellm-version"] = RecordingStore.Version,
        };
        if (input + output > 0)
        {
            headers["x-litellm-response-cost"] = PythonFloat.Text(input + output);
        }

        headers["x-litellm-response-cost-original"] = PythonFloat.Text(input + output);
        headers["x-litellm-response-cost-discount-amount"] = "0.0";
        headers["x-litellm-response-cost-margin-amount"] = "0.0";
        headers["x-litellm-response-cost-margin-percent"] = "0.0";
        headers["x-litellm-response-cost-input"] = PythonFloat.Text(input);
        headers["x-litellm-response-cost-output"] = PythonFloat.Text(output);
        headers["x-litellm-response-cost-tool-usage"] = "0.0";
        headers["x-litellm-key-spend"] = PythonFloat.Text((call.Call.Caller.Key?.Spend ?? 0) + input + output);
        headers["x-litellm-response-duration-ms"] = "1.0";
        headers["x-litellm-overhead-duration-ms"] = "0.5";
        headers["x-litellm-callback-duration-ms"] = "0.0";
        headers["llm_provider-content-type"] = isStream ? "text/event-stream; charset=utf-8" : "application/json";
        headers["x-litellm-model-group"] = model.Name;
        headers["x-litellm-attempted-retries"] = "0";
        headers["x-litellm-attempted-fallbacks"] = "0";
        return headers;
    }

    /// <summary>A legacy completion's stream has fewer headers: so recorded.</summary>
    public static Dictionary<string, string> LegacyStream(InferenceCall call, Echo echo) => Success(call, echo, isStream: true)
        .Where(header => !header.Key.StartsWith("x-litellm-response-cost", StringComparison.Ordinal)
            && header.Key is not ("x-litellm-model-api-base" or "x-litellm-overhead-duration-ms" or "x-litellm-callback-duration-ms"))
        .ToDictionary();

    /// <summary>Headers of an error that inference itself found.</summary>
    public static Answer Failed(Call call, string callId, Answer error, string route)
    {
        error.Headers["x-litellm-call-id"] = callId;
        if (route is "/completions")
        {
            return error;
        }

        if (route is not "/chat/completions")
        {
            error.Headers["x-litellm-version"] = RecordingStore.Version;
        }

        error.Headers["x-litellm-response-cost"] = "0";
        error.Headers["x-litellm-key-spend"] = PythonFloat.Text(call.Caller.Key?.Spend ?? 0);
        return error;
    }
}
