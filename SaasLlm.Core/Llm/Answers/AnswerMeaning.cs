namespace SaasLlm.Core.Llm.Answers;

/// <summary>What an answer of the gateway means for the call (the table of design section 6).</summary>
public enum AnswerMeaning
{
    /// <summary>The model worked: text, a tool call, a refusal, or a filtered answer.</summary>
    Worked,

    /// <summary>The model failed; the breaker counts it, the next model is tried.</summary>
    ModelFailed,

    /// <summary>As <see cref="ModelFailed"/>, because of a rate limit.</summary>
    RateLimited,

    /// <summary>As <see cref="ModelFailed"/>, because time was over.</summary>
    TimedOut,

    /// <summary>The operator's account at the provider has a fault: next model, and the operator is told.</summary>
    ProviderAccount,

    /// <summary>The gateway does not know the model: next model, and the operator is told.</summary>
    UnknownModel,

    /// <summary>Too long for this model: next model, the breaker does not count it.</summary>
    ContextTooLong,

    /// <summary>The request is wrong for any model: stop.</summary>
    RequestRejected,

    /// <summary>The provider's content policy refused: stop, unless the group says next.</summary>
    ContentPolicy,

    /// <summary>The gateway refuses the team's key or its budget there: provision the key again once, and repeat.</summary>
    KeyRefused,

    /// <summary>The gateway has lost its database, or is not there: stop.</summary>
    GatewayDown,
}

/// <summary>Questions about meanings.</summary>
public static class AnswerMeanings
{
    /// <summary>True if another model may succeed where this one did not.</summary>
    public static bool TriesNext(this AnswerMeaning meaning) => meaning is AnswerMeaning.ModelFailed or AnswerMeaning.RateLimited
        or AnswerMeaning.TimedOut or AnswerMeaning.ProviderAccount or AnswerMeaning.UnknownModel or AnswerMeaning.ContextTooLong;

    /// <summary>True if it speaks against the model itself.</summary>
    public static bool CountsAgainstModel(this AnswerMeaning meaning)
        => meaning is AnswerMeaning.ModelFailed or AnswerMeaning.RateLimited or AnswerMeaning.TimedOut or AnswerMeaning.ProviderAccount;

    /// <summary>True if only the operator can mend it.</summary>
    public static bool ConcernsOperator(this AnswerMeaning meaning)
        => meaning is AnswerMeaning.ProviderAccount or AnswerMeaning.UnknownModel or AnswerMeaning.KeyRefused;

    /// <summary>The word stored with the attempt, for example <c>rate_limited</c>.</summary>
    public static string Name(this AnswerMeaning meaning) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(meaning.ToString());
}
