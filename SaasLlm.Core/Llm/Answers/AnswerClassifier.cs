using System.Text.Json;

namespace SaasLlm.Core.Llm.Answers;

/// <summary>
/// Decides what an answer means: the one place, without I/O, that never throws. The rules are the table of design section 6;
/// the shapes are litellm-contract.md's, tried on every recorded answer.
/// </summary>
public static class AnswerClassifier
{
    private const StringComparison Ordinal = StringComparison.Ordinal;
    private const StringComparison IgnoreCase = StringComparison.OrdinalIgnoreCase;

    /// <summary>The meaning of <paramref name="answer"/>.</summary>
    /// <param name="isLiteLlm">False for a plain base URL: there every refusal is the provider's.</param>
    /// <param name="hasResult">Whether a good answer holds something to give; left out, as chat completions do.</param>
    public static AnswerMeaning Classify(GatewayAnswer answer, bool isLiteLlm = true, Func<JsonElement, bool>? hasResult = null)
        => answer.Fault switch
        {
            TransportFault.NotConnected => AnswerMeaning.GatewayDown,
            TransportFault.TimedOut => AnswerMeaning.TimedOut,
            TransportFault.Cut => AnswerMeaning.ModelFailed,
            _ when answer.Status is >= 200 and < 300 => Content(answer.Body, hasResult ?? AnswerContent.HasResult),
            _ => Refusal(answer.Status, GatewayError.Read(answer.Body), isLiteLlm),
        };

    private static AnswerMeaning Content(ReadOnlyMemory<byte> body, Func<JsonElement, bool> hasResult)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return hasResult(document.RootElement) ? AnswerMeaning.Worked : AnswerMeaning.ModelFailed;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return AnswerMeaning.ModelFailed;
        }
    }

    private static AnswerMeaning Refusal(int status, GatewayError error, bool isLiteLlm)
    {
        // What LiteLLM passes on from a provider begins with its own exception's name; anything else it says for itself.
        var isProviders = !isLiteLlm || error.Message.StartsWith("litellm.", Ordinal);
        if (isLiteLlm && error.Type == "no_db_connection")
        {
            return AnswerMeaning.GatewayDown;
        }

        return Budget(error, isProviders)
            ?? (isLiteLlm && !isProviders && IsOurKeyRefused(status, error) ? AnswerMeaning.KeyRefused : (AnswerMeaning?)null)
            ?? Wording(status, error)
            ?? Status(status);
    }

    // Behind another LiteLLM a budget arrives in other statuses and types with the text inside, so the text is asked too.
    private static AnswerMeaning? Budget(GatewayError error, bool isProviders)
    {
        if (error.Message.Contains("Exceeded budget for provider", IgnoreCase))
        {
            return AnswerMeaning.ProviderAccount;
        }

        if (error.Type == "budget_exceeded" || error.Message.Contains("Budget has been exceeded!", Ordinal))
        {
            return isProviders ? AnswerMeaning.ProviderAccount : AnswerMeaning.KeyRefused;
        }

        return null;
    }

    // "auth_error" in other statuses is what LiteLLM says when it lost its database: no reason to touch a key.
    private static bool IsOurKeyRefused(int status, GatewayError error)
        => error.Type is "token_not_found_in_db" or "expired_key"
           || error.Type.EndsWith("_model_access_denied", Ordinal)
           || (error.Type == "auth_error" && status is (401 or 403 or 404))
           || (status is (401 or 403) && error.Type is not ("authentication_error" or "permission_error"));

    private static AnswerMeaning? Wording(int status, GatewayError error)
    {
        if (status == 400 && error.Message.Contains("Invalid model name passed in", Ordinal))
        {
            return AnswerMeaning.UnknownModel;
        }

        // What a tenant's request refers to is gone, which says nothing of the operator's account.
        if (status is (400 or 404) && (error.Message.Contains("Previous response with id", Ordinal) || error.Message.Contains("Item with id", Ordinal)))
        {
            return AnswerMeaning.RequestRejected;
        }

        if (status is not (400 or 413 or 422))
        {
            return null;
        }

        if (error.Message.Contains("ContextWindowExceededError", Ordinal)
            || error.Code == "context_length_exceeded"
            || error.Message.Contains("exceeds the context window", IgnoreCase)
            || error.Message.Contains("maximum context length", IgnoreCase))
        {
            return AnswerMeaning.ContextTooLong;
        }

        if (error.Message.Contains("ContentPolicyViolationError", Ordinal)
            || error.Code is "content_filter" or "content_policy_violation"
            || error.Message.Contains("content management policy", IgnoreCase))
        {
            return AnswerMeaning.ContentPolicy;
        }

        return error.Message.StartsWith("litellm.NotFoundError", Ordinal) ? AnswerMeaning.ProviderAccount : null;
    }

    private static AnswerMeaning Status(int status) => status switch
    {
        401 or 402 or 403 or 404 => AnswerMeaning.ProviderAccount,
        429 => AnswerMeaning.RateLimited,
        408 or 504 => AnswerMeaning.TimedOut,
        409 => AnswerMeaning.ModelFailed,
        >= 400 and < 500 => AnswerMeaning.RequestRejected,
        _ => AnswerMeaning.ModelFailed, // 5xx, redirects, and what no server should send
    };
}
