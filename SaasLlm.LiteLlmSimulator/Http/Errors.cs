using System.Globalization;
using System.Text.Json.Nodes;

namespace SaasLlm.LiteLlmSimulator.Http;

/// <summary>The error shapes of LiteLLM; the texts are the recorded ones.</summary>
internal static class Errors
{
    /// <summary>The usual shape, with the status repeated as a string in <c>code</c>.</summary>
    public static Answer Proxy(int status, string type, string message, string? param = null) => new(status, new JsonObject
    {
        ["error"] = new JsonObject
        {
            ["message"] = message,
            ["type"] = type,
            ["param"] = param,
            ["code"] = status.ToString(CultureInfo.InvariantCulture),
        },
    });

    /// <summary>An authentication error, whose missing <c>param</c> is the text "None".</summary>
    public static Answer Auth(string message, int status = 401) => Proxy(status, "auth_error", message, "None");

    public static Answer Detail(int status, JsonNode detail) => new(status, new JsonObject { ["detail"] = detail });

    public static Answer DetailError(int status, string message) => Detail(status, new JsonObject { ["error"] = message });

    /// <summary>A value that FastAPI refused before the route ran.</summary>
    public static Answer Invalid(string type, string message, params JsonNode[] location) => Detail(422, new JsonArray(new JsonObject
    {
        ["type"] = type,
        ["loc"] = new JsonArray(location),
        ["msg"] = message,
    }));

    /// <summary>LiteLLM's own crash: no param and no code.</summary>
    public static Answer Crash() => new(500, new JsonObject
    {
        ["error"] = new JsonObject { ["message"] = "Internal server error", ["type"] = "internal_server_error" },
    });

    public static Answer UnknownModel(string route, string? model)
    {
        var message = $"{route}: Invalid model name passed in model={model ?? "None"}. Call `/v1/models` to view available models for your key.";
        if (route is "/completions")
        {
            return Proxy(400, "None", $"400: {{'error': '{message}'}}", "None");
        }

        var answer = Proxy(400, "invalid_request_error", message);
        answer.Body!["error"]!["provider_specific_fields"] = new JsonObject { ["error"] = message };
        return answer;
    }

    public static Answer MissingParameter(string route, string parameter) =>
        Proxy(400, "invalid_request_error", $"{route}: Missing required parameter: '{parameter}'.", parameter);
}
