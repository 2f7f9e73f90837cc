using SaasLlm.Core.Common;

namespace SaasLlm.Core.Idempotency;

/// <summary>What a request whose key is in use may do.</summary>
internal enum KeyVerdict
{
    /// <summary>The key is past its life: remove it, and claim it anew.</summary>
    Remove,

    /// <summary>The same request is being worked on.</summary>
    Wait,

    /// <summary>The attempt before ended without an answer: go on in its place.</summary>
    TakeOver,

    /// <summary>It was answered.</summary>
    Replay,

    /// <summary>The key belongs to another request.</summary>
    Reused,

    /// <summary>The attempt before died, and what it does may not be done twice.</summary>
    Unknown,
}

/// <summary>The rules, without I/O.</summary>
internal static class IdempotencyRules
{
    public static Failure Reused { get; } = new(
        FailureKind.Conflict, "idempotency.key_reused", "This Idempotency-Key was used for a request with another body or query.");

    public static Failure InProgress { get; } = new(
        FailureKind.Conflict, "idempotency.in_progress", "A request with this Idempotency-Key is still being worked on.")
    {
        RetryAfter = TimeSpan.FromSeconds(1),
    };

    public static Failure OutcomeUnknown { get; } = new(
        FailureKind.Conflict, "idempotency.outcome_unknown",
        "The request with this Idempotency-Key broke off; whether it reached the model is not known, and it is not sent again.");

    public static KeyVerdict Decide(UsedKey used, ReadOnlySpan<byte> hash, bool mayRepeat)
    {
        var isSame = hash.SequenceEqual(used.RequestHash);
        if (used.IsLeased)
        {
            return isSame ? KeyVerdict.Wait : KeyVerdict.Reused;
        }

        if (used.IsOver)
        {
            return KeyVerdict.Remove;
        }

        if (!isSame)
        {
            return KeyVerdict.Reused;
        }

        return used.State switch
        {
            "done" => KeyVerdict.Replay,
            "released" => KeyVerdict.TakeOver,
            _ => mayRepeat ? KeyVerdict.TakeOver : KeyVerdict.Unknown,
        };
    }
}
