using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.LiteLlmSimulator.Playing;

namespace SaasLlm.Tests.Llm;

/// <summary>
/// What each recorded answer means, from litellm-contract's tables and not from the classifier: the first row that fits a
/// recording's status, error type and message. Read top down; a provider's own words begin with "litellm.".
/// </summary>
internal static class ExpectedMeaning
{
    private const string Any = ".*";
    private const string FromProvider = @"^litellm\.";
    private const string FromProxy = @"^(?!litellm\.)";

    private static readonly (string Status, string Type, string Message, AnswerMeaning Meaning)[] s_rows =
    [
        ("0", Any, Any, AnswerMeaning.ModelFailed),
        (Any, "no_db_connection", Any, AnswerMeaning.GatewayDown),
        (Any, Any, "Exceeded budget for provider", AnswerMeaning.ProviderAccount),
        (Any, "budget_exceeded", FromProvider, AnswerMeaning.ProviderAccount),
        (Any, Any, @"^litellm\.[\s\S]*Budget has been exceeded!", AnswerMeaning.ProviderAccount),
        (Any, "budget_exceeded", FromProxy, AnswerMeaning.KeyRefused),
        (Any, Any, "^Budget has been exceeded!", AnswerMeaning.KeyRefused),
        (Any, "token_not_found_in_db|expired_key|.*_model_access_denied", FromProxy, AnswerMeaning.KeyRefused),
        ("401|403|404", "auth_error", FromProxy, AnswerMeaning.KeyRefused),
        ("401|403", "authentication_error|permission_error", FromProxy, AnswerMeaning.ProviderAccount),
        ("401|403", Any, FromProxy, AnswerMeaning.KeyRefused),
        ("400", Any, "Invalid model name passed in", AnswerMeaning.UnknownModel),
        ("400", Any, "ContextWindowExceededError|exceeds the context window", AnswerMeaning.ContextTooLong),
        ("400", Any, "ContentPolicyViolationError|content management policy", AnswerMeaning.ContentPolicy),
        ("400", Any, @"^litellm\.NotFoundError", AnswerMeaning.ProviderAccount),
        ("401|402|403|404", Any, Any, AnswerMeaning.ProviderAccount),
        ("408|504", Any, Any, AnswerMeaning.TimedOut),
        ("429", Any, Any, AnswerMeaning.RateLimited),
        ("409|5..|3..", Any, Any, AnswerMeaning.ModelFailed),
        ("4..", Any, Any, AnswerMeaning.RequestRejected),
    ];

    public static AnswerMeaning Of(Recording recording)
    {
        if (recording.IsCut)
        {
            return AnswerMeaning.ModelFailed;
        }

        if (recording.Status is >= 200 and < 300)
        {
            return IsGood(recording) ? AnswerMeaning.Worked : AnswerMeaning.ModelFailed;
        }

        var error = Parse(recording.Body) is JsonObject root ? root["error"] ?? (root["detail"] as JsonObject)?["error"] : null;
        var type = Text(error, "type");
        var message = error is JsonValue plain && plain.TryGetValue<string>(out var text) ? text : Text(error, "message");
        return s_rows.First(row => Fits(row.Status, recording.Status.ToString(System.Globalization.CultureInfo.InvariantCulture))
            && Fits(row.Type, type) && Regex.IsMatch(message, row.Message)).Meaning;
    }

    // A stream, a list of vectors or an old-style completion is no answer to a chat call.
    private static bool IsGood(Recording recording)
        => Parse(recording.Body) is JsonObject root && root["error"] is null && root["choices"] is JsonArray choices
           && choices.OfType<JsonObject>().Any(choice => Text(choice, "finish_reason") == "content_filter"
               || (choice["message"] is JsonObject message && (Says(message["content"]) || Says(message["refusal"])
                   || Says((message["provider_specific_fields"] as JsonObject)?["refusal"])
                   || message["tool_calls"] is JsonArray { Count: > 0 } || message["function_call"] is JsonObject || message["audio"] is JsonObject)));

    private static bool Says(JsonNode? content) => content is JsonArray { Count: > 0 } || (content is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0);

    private static bool Fits(string pattern, string text) => Regex.IsMatch(text, $"^(?:{pattern})$");

    private static string Text(JsonNode? node, string name)
        => node is JsonObject o && o[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";

    private static JsonNode? Parse(byte[]? body)
    {
        try
        {
            return body is { Length: > 0 } ? JsonNode.Parse(body) : null;
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }
}
