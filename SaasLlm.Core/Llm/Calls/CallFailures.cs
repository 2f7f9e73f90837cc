using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Answers;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>What the tenant is told when a call fails: never a model's name, a key, or an upstream's text.</summary>
internal static class CallFailures
{
    private static readonly TimeSpan s_gatewayRetryAfter = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_rateLimitRetryAfter = TimeSpan.FromSeconds(10);

    public static readonly Failure GatewayDown =
        new(FailureKind.Unavailable, "llm.gateway_unavailable", "The LLM gateway is not available; repeat in a moment.") { RetryAfter = s_gatewayRetryAfter };

    public static readonly Failure GatewayRefused =
        new(FailureKind.Unavailable, "llm.gateway_refused", "The LLM gateway refused the team's access; the operator was told.") { RetryAfter = s_gatewayRetryAfter };

    public static readonly Failure Unpriced =
        new(FailureKind.Unavailable, "pricing.unpriced", "No model of this group has a price; the operator was told.");

    public static readonly Failure GatewayMissing =
        new(FailureKind.Unavailable, "llm.gateway_missing", "No model of this group can be reached; the operator was told.");

    public static readonly Failure ContentPolicy =
        new(FailureKind.Invalid, "content_filter", "The provider's content policy refused the request.");

    public static readonly Failure DeadlineExceeded =
        new(FailureKind.UpstreamTimeout, "llm.deadline_exceeded", "No model answered in time.");

    /// <summary>
    /// The store was gone between two models, and back in time to record that the call failed. Not the store's own failure: that one says that
    /// nobody knows how the call ended, and here everybody does.
    /// </summary>
    public static readonly Failure Interrupted =
        new(FailureKind.Unavailable, "llm.call_interrupted", "The store was gone for a moment and the call was given up; it is not charged. Repeat it.")
        {
            RetryAfter = TimeSpan.FromSeconds(1),
        };

    private static readonly Failure s_contextTooLong =
        new(FailureKind.Invalid, "context_length_exceeded", "The messages are too long for every model of this group.");

    private static readonly Failure s_allFailed =
        new(FailureKind.UpstreamFailed, "llm.all_models_failed", "All models of this group failed.");

    /// <summary>After the first chunk no other model can take over.</summary>
    public static readonly Failure StreamBroken =
        new(FailureKind.UpstreamFailed, "llm.stream_failed", "The model's answer broke off.");

    /// <summary>The reader held the answer up until the call's time was over; what it did not get was drained, and is charged as if it had left.</summary>
    public static readonly Failure ReadTooSlowly =
        new(FailureKind.UpstreamTimeout, "llm.read_too_slowly", "The answer was read so slowly that the call's deadline passed; the rest is not sent.");

    /// <summary>Whoever asked has lost the work to another, or could not store the answer.</summary>
    public static readonly Failure AnswerNotKept =
        new(FailureKind.Conflict, "llm.answer_not_kept", "The answer came, and its caller did not keep it; it is not charged.");

    /// <summary>The store went while the answer was being kept.</summary>
    public static readonly Failure AnswerUnknown =
        new(FailureKind.Unavailable, "store.outcome_unknown", "The answer came, and whether it was stored is not known. Read before trying again.")
        {
            RetryAfter = TimeSpan.FromSeconds(5),
        };

    /// <summary>What a response goes on from is kept by the model that gave it.</summary>
    public static readonly Failure PreviousModelGone =
        new(FailureKind.NotFound, "response.not_found", "The previous response cannot be gone on from: this model group no longer has the model that gave it.")
        {
            Details = new Dictionary<string, object?> { ["param"] = "previous_response_id" },
        };

    public static Failure WrongKind(string kind)
        => new(FailureKind.Invalid, "llm.wrong_group_kind", kind == "embedding" ? "This model group is for embeddings: call it at /v1/embeddings." : "This model group is for chat: it makes no embeddings.")
        {
            Details = new Dictionary<string, object?> { ["param"] = "model" },
        };

    public static Failure Rejected(GatewayAnswer answer, IEnumerable<string> models)
        => new(FailureKind.Invalid, "llm.request_rejected", RejectionSentence.For(answer, models));

    /// <summary>When every model that was tried failed: the one reason they share, else the general one.</summary>
    public static Failure AllFailed(IReadOnlyList<(AnswerMeaning Meaning, TimeSpan? RetryAfter)> attempts)
    {
        if (attempts.All(attempt => attempt.Meaning == AnswerMeaning.RateLimited))
        {
            return new(FailureKind.LimitReached, "llm.rate_limited", "All models of this group are rate-limited upstream; repeat later.")
            {
                RetryAfter = attempts.Min(attempt => attempt.RetryAfter) ?? s_rateLimitRetryAfter,
            };
        }

        if (attempts.All(attempt => attempt.Meaning == AnswerMeaning.ContentPolicy))
        {
            return ContentPolicy;
        }

        return attempts.All(attempt => attempt.Meaning == AnswerMeaning.ContextTooLong) ? s_contextTooLong : s_allFailed;
    }
}
