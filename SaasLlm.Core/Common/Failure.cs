namespace SaasLlm.Core.Common;

/// <summary>What kind of refusal a <see cref="Failure"/> is; the API maps each kind to one HTTP status.</summary>
public enum FailureKind
{
    /// <summary>The request is malformed in a way no validator could see (400).</summary>
    Invalid,

    /// <summary>Not enough credits (402).</summary>
    InsufficientCredits,

    /// <summary>The caller may not do this now, for example because the team is suspended (403).</summary>
    Forbidden,

    /// <summary>Not there, or not the caller's (404).</summary>
    NotFound,

    /// <summary>The state does not allow it (409).</summary>
    Conflict,

    /// <summary>A limit is reached (429).</summary>
    LimitReached,

    /// <summary>All upstream models failed (502).</summary>
    UpstreamFailed,

    /// <summary>The deadline ended it (504).</summary>
    UpstreamTimeout,

    /// <summary>One of our own stores, or the gateway, is not there (503).</summary>
    Unavailable,
}

/// <summary>An expected refusal: a value, not an exception.</summary>
/// <param name="Kind">Decides the HTTP status.</param>
/// <param name="Code">Stable, documented and never reused, for example <c>credits.insufficient</c>.</param>
/// <param name="Message">One sentence for the caller; never holds a model's name, a key or an upstream's text.</param>
public sealed record Failure(FailureKind Kind, string Code, string Message)
{
    /// <summary>Further members of the problem document, by their JSON names; null when there are none.</summary>
    public IReadOnlyDictionary<string, object?>? Details { get; init; }

    /// <summary>When a repeat may succeed; sent as <c>Retry-After</c> in whole seconds, rounded up.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether a repeat can help; sent as <c>x-should-retry</c>. Null: the status says it.</summary>
    public bool? ShouldRetry { get; init; }
}
