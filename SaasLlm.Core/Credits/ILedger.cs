using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits;

/// <summary>
/// The one writer of jobs, their calls and the money. Every command is durable in Postgres before its task completes;
/// commands of one process share transactions (group commit), and each gets its own result.
/// A store that is gone is <see cref="FailureKind.Unavailable"/> (<c>store.unavailable</c>): nothing was accepted, unless the
/// reply to COMMIT was lost and the look-up of the rows failed as well (<c>store.outcome_unknown</c>).
/// </summary>
public interface ILedger
{
    /// <summary>Opens a job and holds its price. 402 <c>credits.insufficient</c>, 403 <c>team.suspended</c>, 404 <c>team.not_found</c>.</summary>
    Task<Result<OpenedJob>> OpenJobAsync(OpenJob command, CancellationToken cancellation);

    /// <summary>
    /// Starts a call with its first attempt, before anything is sent upstream. The first call sets the job <c>in_progress</c>.
    /// 404 <c>job.not_found</c>, 409 <c>job.ended</c>, 403 <c>team.suspended</c>, 429 <c>jobs.limit</c> past the job's max_calls.
    /// </summary>
    Task<Result<StartedCall>> StartCallAsync(StartCall command, CancellationToken cancellation);

    /// <summary>Closes one attempt and writes the next, in one step. 409 <c>job.ended</c> when the job ended meanwhile (the attempt is closed all the same).</summary>
    Task<Result<Accepted>> NextAttemptAsync(NextAttempt command, CancellationToken cancellation);

    /// <summary>
    /// Closes the last attempt and writes the call's row. When the job ended meanwhile the rows are still written (its cost is recorded,
    /// unbilled), and the answer is 409 <c>job.ended</c>. A second end of the same call changes nothing and is accepted.
    /// </summary>
    Task<Result<Accepted>> EndCallAsync(EndCall command, CancellationToken cancellation);

    /// <summary>
    /// Ends a job: state, deduction, account and event in one commit. The first terminal status wins: repeating it returns the stored
    /// answer, a different one is 409 <c>job.ended</c>. Completing while a call runs is 409 <c>jobs.call_running</c> after up to 5 s.
    /// </summary>
    Task<Result<ClosedJob>> CloseJobAsync(CloseJob command, CancellationToken cancellation);

    /// <summary>Adds credits to a team's account. 404 <c>team.not_found</c>.</summary>
    Task<Result<PostedTransaction>> AddCreditsAsync(AddCredits command, CancellationToken cancellation);
}

/// <summary>A command took effect and has nothing to say.</summary>
public readonly record struct Accepted;

/// <summary>Open a job. <paramref name="Lifetime"/> counts from Postgres' clock.</summary>
/// <param name="MetadataJson">A JSON object.</param>
public sealed record OpenJob(
    JobId JobId,
    string TeamId,
    string JobType,
    string? UserId,
    string? ExternalTaskId,
    string MetadataJson,
    TimeSpan Lifetime,
    int MaxCalls);

/// <summary>A job that is open and whose price is held.</summary>
public sealed record OpenedJob(JobId JobId, string TeamId, DateTimeOffset CreatedAt, DateTimeOffset DeadlineAt, decimal HeldCredits);

/// <summary>One upstream try that is about to be sent.</summary>
/// <param name="Timeout">How long it may run; past that (and past the job's deadline) it is taken for abandoned.</param>
public sealed record AttemptIntent(AttemptId AttemptId, int Number, string ModelName, TimeSpan Timeout);

/// <summary>How an attempt ended.</summary>
/// <param name="Status"><c>succeeded</c>, <c>failed</c> or <c>unknown</c>.</param>
/// <param name="Outcome">The classifier's word for the answer, for example <c>rate_limited</c>.</param>
/// <param name="ProviderCostUsd">Null when unknown.</param>
public sealed record AttemptEnd(
    AttemptId AttemptId,
    string Status,
    string Outcome,
    int? HttpStatus,
    string? UpstreamId,
    TokenUsage Usage,
    decimal? ProviderCostUsd,
    int LatencyMs);

/// <summary>Tokens by class. Cached input is part of input; reasoning is part of output.</summary>
public readonly record struct TokenUsage(long Input, long CachedInput, long Output, long Reasoning)
{
    /// <summary>Input and output together.</summary>
    public long Total => Input + Output;
}

/// <summary>Start a call with its first attempt.</summary>
public sealed record StartCall(string TeamId, JobId JobId, CallId CallId, string ModelGroup, AttemptIntent Attempt);

/// <summary>What the caller of a started call needs of its job.</summary>
/// <param name="JobTimeLeft">Until the job's deadline, by Postgres' clock: a machine's own may be an hour off.</param>
public sealed record StartedCall(decimal MarkupPercent, TimeSpan JobTimeLeft);

/// <summary>One attempt failed; the next is about to be sent.</summary>
public sealed record NextAttempt(string TeamId, JobId JobId, CallId CallId, AttemptEnd Ended, AttemptIntent Next);

/// <summary>A call is over.</summary>
/// <param name="Ended">Its last attempt; null when that one was closed before.</param>
/// <param name="ResolvedModel">The model that answered; null when the call failed.</param>
/// <param name="ErrorCode">The stable code of the failure; null when the call succeeded.</param>
public sealed record EndCall(
    string TeamId,
    JobId JobId,
    CallId CallId,
    string ModelGroup,
    string? Purpose,
    AttemptEnd? Ended,
    int Attempts,
    string? ResolvedModel,
    string? ErrorCode,
    TokenUsage Usage,
    decimal? ProviderCostUsd,
    decimal? ClientCostUsd,
    int LatencyMs,
    DateTimeOffset StartedAt);

/// <summary>End a job.</summary>
/// <param name="Status"><c>completed</c>, <c>failed</c>, <c>cancelled</c> or <c>expired</c>.</param>
/// <param name="MetadataJson">A JSON object merged over the job's, or null.</param>
public sealed record CloseJob(string TeamId, JobId JobId, string Status, string? ErrorMessage, string? MetadataJson);

/// <summary>The stored answer of a job's end: a repeat reads the same.</summary>
/// <param name="CreditReason">Why nothing was charged: <c>free</c>, <c>no_successful_call</c>, <c>failed</c>, …; null when charged.</param>
public sealed record ClosedJob(
    JobId JobId,
    string Status,
    DateTimeOffset CompletedAt,
    int TotalCalls,
    int SuccessfulCalls,
    int FailedCalls,
    long TotalTokens,
    decimal ClientCostUsd,
    int AvgLatencyMs,
    bool CreditApplied,
    string? CreditReason,
    decimal CreditsCharged,
    decimal UncollectedCredits,
    decimal CreditsRemaining);

/// <summary>Add credits.</summary>
/// <param name="Kind"><c>topup</c>, <c>promotion</c>, … as the ledger's constraint lists them.</param>
public sealed record AddCredits(TransactionId TransactionId, string TeamId, decimal Credits, string Kind, string Reason);

/// <summary>A ledger entry as it was written.</summary>
public sealed record PostedTransaction(
    TransactionId TransactionId,
    string TeamId,
    long Sequence,
    string Kind,
    decimal Amount,
    decimal CreditsBefore,
    decimal CreditsAfter,
    JobId? JobId,
    string Reason,
    DateTimeOffset CreatedAt);
