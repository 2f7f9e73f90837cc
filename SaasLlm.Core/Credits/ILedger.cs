using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;

namespace SaasLlm.Core.Credits;

/// <summary>
/// The one writer of jobs, their calls and the money. Every command is durable in Postgres before its task completes;
/// commands of one process share transactions (group commit), and each gets its own result.
/// A store that is gone is <see cref="FailureKind.Unavailable"/> (<c>store.unavailable</c>): nothing was accepted, unless the
/// reply to COMMIT was lost and the look-up of the rows failed as well (<c>store.outcome_unknown</c>).
/// </summary>
public interface ILedger
{
    /// <summary>
    /// Opens a job and holds its price, or one increment where it is charged by consumption. 402 <c>credits.insufficient</c> or
    /// <c>credits.limit</c>, 403 <c>team.suspended</c>, 404 <c>team.not_found</c>.
    /// </summary>
    Task<Result<OpenedJob>> OpenJobAsync(OpenJob command, CancellationToken cancellation);

    /// <summary>
    /// Starts a call with its first attempt, before anything is sent upstream. The first call sets the job <c>in_progress</c>.
    /// Where the job is charged by consumption, its hold is extended to cover the call's estimate.
    /// 404 <c>job.not_found</c>, 409 <c>job.ended</c> or <c>background.runs_itself</c>, 403 <c>team.suspended</c>, 429 <c>jobs.limit</c> past the job's max_calls or
    /// max_cost_usd, 402 <c>credits.insufficient</c> or <c>credits.limit</c>: the job stays open.
    /// </summary>
    Task<Result<StartedCall>> StartCallAsync(StartCall command, CancellationToken cancellation);

    /// <summary>Closes one attempt and writes the next, in one step. 409 <c>job.ended</c> when the job ended meanwhile (the attempt is closed all the same).</summary>
    Task<Result<Accepted>> NextAttemptAsync(NextAttempt command, CancellationToken cancellation);

    /// <summary>Opens a job with its only call, both or neither; refuses as <see cref="OpenJobAsync"/> and <see cref="StartCallAsync"/> do.</summary>
    Task<Result<StartedCall>> OpenJobWithCallAsync(OpenJob job, StartCall call, CancellationToken cancellation);

    /// <summary>Ends the only call of a job and the job with it: completed if the call succeeded, else failed. The answer is the job's.</summary>
    Task<Result<ClosedJob>> EndCallAndJobAsync(EndCall call, CancellationToken cancellation);

    /// <summary>
    /// Closes the last attempt and writes the call's row. When the job ended meanwhile the rows are still written (its cost is recorded,
    /// unbilled), and the answer is 409 <c>job.ended</c>. A second end of the same call changes nothing and is accepted.
    /// </summary>
    Task<Result<Accepted>> EndCallAsync(EndCall command, CancellationToken cancellation);

    /// <summary>
    /// Ends a job: state, deduction, account and event in one commit. The first terminal status wins: repeating it returns the stored
    /// answer, a different one is 409 <c>job.ended</c>. Completing while a call runs is 409 <c>jobs.call_running</c> after up to 5 s.
    /// Only its plan completes a submitted job: 409 <c>background.runs_itself</c>.
    /// </summary>
    Task<Result<ClosedJob>> CloseJobAsync(CloseJob command, CancellationToken cancellation);

    /// <summary>
    /// Grants a lot of credits. A grant whose source and reference are known answers with the transaction of the first one, or 409
    /// <c>credits.reference_used</c> if that was of another amount. 404 <c>team.not_found</c>.
    /// </summary>
    Task<Result<PostedTransaction>> AddCreditsAsync(AddCredits command, CancellationToken cancellation);

    /// <summary>
    /// Gives a team what a tick of its refill brings: once, whatever is asked again. A suspended team, and one that is full, get nothing.
    /// 404 <c>team.not_found</c>.
    /// </summary>
    Task<Result<Refilled>> RefillAsync(RefillCredits command, CancellationToken cancellation);

    /// <summary>
    /// Gives a job's deduction back, whole or in part, to the lots that were burned. 404 <c>job.not_found</c>, 409
    /// <c>credits.not_charged</c>, 409 <c>credits.refund_exceeds_charge</c>.
    /// </summary>
    Task<Result<PostedTransaction>> RefundJobAsync(RefundJob command, CancellationToken cancellation);

    /// <summary>
    /// Corrects an account by a signed amount. 409 <c>credits.held</c> when it would take more than what is available.
    /// </summary>
    Task<Result<PostedTransaction>> AdjustCreditsAsync(AdjustCredits command, CancellationToken cancellation);

    /// <summary>Takes back what is left of a team's expired lots, save what open jobs hold. The answer is the credits that went.</summary>
    Task<Result<decimal>> ExpireLotsAsync(string teamId, CancellationToken cancellation);

    /// <summary>Sets how a team is charged from the next job on, its limit or its thresholds. 404 <c>team.not_found</c>.</summary>
    Task<Result<Accepted>> ConfigureAccountAsync(ConfigureAccount command, CancellationToken cancellation);
}

/// <summary>A command took effect and has nothing to say.</summary>
public readonly record struct Accepted;

/// <summary>Open a job. <paramref name="Lifetime"/> counts from Postgres' clock.</summary>
/// <param name="MetadataJson">A JSON object.</param>
/// <param name="Price">In <c>job_based</c> teams, in credits; null is the team's own price of a job.</param>
/// <param name="MaxCostUsd">The most the job's calls may cost the client together; null is no limit.</param>
/// <param name="PriceVersion">Of the price book: its calls are priced by it, whatever changes later. Null: the newest there is.</param>
/// <param name="RunsItself">It is submitted with its calls: none but those are made in it, and whoever makes them completes it.</param>
public sealed record OpenJob(
    JobId JobId,
    string TeamId,
    string JobType,
    string? UserId,
    string? ExternalTaskId,
    string MetadataJson,
    TimeSpan Lifetime,
    int MaxCalls,
    decimal? Price = null,
    decimal? MaxCostUsd = null,
    long? PriceVersion = null,
    bool RunsItself = false)
{
    /// <summary>What Redis said of its price, where it was asked in one step with something else; it is not asked again.</summary>
    internal ReserveReply? Reserved { get; init; }
}

/// <summary>A job that is open and whose price is held.</summary>
public sealed record OpenedJob(JobId JobId, string TeamId, DateTimeOffset CreatedAt, DateTimeOffset DeadlineAt, decimal HeldCredits);

/// <summary>One upstream try that is about to be sent.</summary>
/// <param name="Timeout">How long it may run; past that (and past the job's deadline) it is taken for abandoned.</param>
/// <param name="Estimate">The most its call may use, whichever model answers.</param>
public sealed record AttemptIntent(AttemptId AttemptId, int Number, string ModelName, TimeSpan Timeout, CallEstimate Estimate = default);

/// <summary>An upper estimate of what a call uses, before it is sent.</summary>
public readonly record struct CallEstimate(long Tokens, decimal ProviderCostUsd);

/// <summary>How an attempt ended.</summary>
/// <param name="Status"><c>succeeded</c>, <c>failed</c> or <c>unknown</c>.</param>
/// <param name="Outcome">The classifier's word for the answer, for example <c>rate_limited</c>.</param>
/// <param name="ProviderCostUsd">Null when unknown.</param>
/// <param name="Evidence">How well the cost is known.</param>
/// <param name="GatewayCostUsd">What the gateway says that it cost; null where it says nothing.</param>
public sealed record AttemptEnd(
    AttemptId AttemptId,
    string Status,
    string Outcome,
    int? HttpStatus,
    string? UpstreamId,
    TokenUsage Usage,
    decimal? ProviderCostUsd,
    int LatencyMs,
    CostEvidence? Evidence = null,
    decimal? GatewayCostUsd = null);

/// <summary>Tokens by class. Cached input and what is written to a cache are parts of input; reasoning is part of output.</summary>
public readonly record struct TokenUsage(long Input, long CachedInput, long Output, long Reasoning, long CacheWrite = 0)
{
    /// <summary>Input and output together.</summary>
    public long Total => Input + Output;
}

/// <summary>Start a call with its first attempt.</summary>
/// <param name="PriceVersion">What the estimate was made by; where it is not the job's, the call is refused with the job's (<see cref="JobsPrices"/>). Null: not asked.</param>
/// <param name="IsPlanned">One of those that its job was submitted with: how many they are was held against max_calls then, and one that is made again is no more of them.</param>
/// <param name="Lengths">What shorter answers would use, so that a refusal can name the longest that passes; null where answers have no length.</param>
public sealed record StartCall(
    string TeamId, JobId JobId, CallId CallId, string ModelGroup, AttemptIntent Attempt, long? PriceVersion = null, bool IsPlanned = false,
    AnswerLengths? Lengths = null);

/// <summary>How a call's estimate depends on the longest answer that it allows.</summary>
/// <param name="Asked">In tokens, by the call as it is.</param>
/// <param name="Estimate">With another <c>max_tokens</c>; never less for more.</param>
public sealed record AnswerLengths(int Asked, Func<int, CallEstimate> Estimate);

/// <summary>A call's estimate was made by other prices than its job's: make it by those, and start it again. No tenant sees it.</summary>
public static class JobsPrices
{
    private const string Code = "ledger.price_version";
    private const string Detail = "price_version";

    /// <summary>The job's version, if that is what <paramref name="failure"/> says.</summary>
    public static long? VersionIn(Failure? failure) => failure?.Code == Code ? (long)failure.Details![Detail]! : null;

    internal static Failure Are(long version) => new(FailureKind.Conflict, Code, "The job is priced by another version.")
    {
        Details = new Dictionary<string, object?> { [Detail] = version },
    };
}

/// <summary>What the caller of a started call needs of its job.</summary>
/// <param name="JobTimeLeft">Until the job's deadline, by Postgres' clock: a machine's own may be an hour off.</param>
/// <param name="IsBounded">The estimate was counted on: what it assumes of the answer's length must be sent upstream.</param>
public sealed record StartedCall(decimal MarkupPercent, TimeSpan JobTimeLeft, bool IsBounded = false);

/// <summary>One attempt failed; the next is about to be sent.</summary>
public sealed record NextAttempt(string TeamId, JobId JobId, CallId CallId, AttemptEnd Ended, AttemptIntent Next);

/// <summary>A call is over.</summary>
/// <param name="Ended">Its last attempt; null when that one was closed before.</param>
/// <param name="ResolvedModel">The model that answered; null when the call failed.</param>
/// <param name="ErrorCode">The stable code of the failure; null when the call succeeded.</param>
/// <param name="Evidence">Where the usage of the answer came from (of a failed call: the worst of its attempts), and the range of all attempts together.</param>
/// <param name="GatewayCostUsd">Of the attempt that answered, what the gateway says that it cost.</param>
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
    DateTimeOffset StartedAt,
    CostEvidence? Evidence = null,
    decimal? GatewayCostUsd = null);

/// <summary>End a job.</summary>
/// <param name="Status"><c>completed</c>, <c>failed</c>, <c>cancelled</c> or <c>expired</c>.</param>
/// <param name="MetadataJson">A JSON object merged over the job's, or null.</param>
/// <param name="IsPlanned">Said by the plan of a job that runs itself: all its steps have ended, so a call that still runs is a dead runner's and is overtaken.</param>
public sealed record CloseJob(string TeamId, JobId JobId, string Status, string? ErrorMessage, string? MetadataJson, bool IsPlanned = false);

/// <summary>The stored answer of a job's end: a repeat reads the same.</summary>
/// <param name="CreditReason">Why nothing was charged: <c>free</c>, <c>no_successful_call</c>, <c>failed</c>, …; null when charged.</param>
/// <param name="RunsItself">It was submitted with its calls: its plan is to follow its end.</param>
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
    decimal CreditsRemaining,
    bool RunsItself = false);

/// <summary>Grant credits.</summary>
public sealed record AddCredits(TransactionId TransactionId, string TeamId, decimal Credits, string Reason, LotTerms Terms);

/// <summary>What credits are granted with.</summary>
/// <param name="Source">One of <see cref="LotSource"/>.</param>
/// <param name="Reference">The grantor's name of the grant, unique among the team's lots of that source; null is the transaction's id.</param>
/// <param name="Priority">0 burns first, 100 last.</param>
/// <param name="ExpiresAt">Null: never.</param>
/// <param name="CostBasisUsd">What the customer paid for all of it; null is not known.</param>
public sealed record LotTerms(
    string Source,
    string? Reference = null,
    int Priority = LotSource.DefaultPriority,
    DateTimeOffset? ExpiresAt = null,
    decimal? CostBasisUsd = null);

/// <summary>Give a team what a tick of its refill brings.</summary>
/// <param name="Mode">One of <see cref="Refills.RefillMode"/>.</param>
/// <param name="Credits">What is added, or the level of remaining credits that is filled up to.</param>
/// <param name="Reference">The tick: no second grant has it.</param>
/// <param name="ExpiresAt">Null: never.</param>
/// <param name="CostBasisUsd">What the customer pays for all of <paramref name="Credits"/>; null is not known.</param>
public sealed record RefillCredits(
    TransactionId TransactionId, string TeamId, string Mode, decimal Credits, string Reference, DateTimeOffset? ExpiresAt, string Reason,
    decimal? CostBasisUsd = null)
{
    /// <summary>Of a part the customer pays that part, to the nearest 10 decimals, halves away from zero.</summary>
    public decimal? CostOf(decimal granted) => CostBasisUsd is { } whole ? Math.Round(whole * granted / Credits, 10, MidpointRounding.AwayFromZero) : null;
}

/// <summary>What a refill added.</summary>
public readonly record struct Refilled(decimal Credits);

/// <summary>Give a job's deduction back.</summary>
/// <param name="Credits">Null: all of it that was not given back before.</param>
public sealed record RefundJob(TransactionId TransactionId, string TeamId, JobId JobId, decimal? Credits, string Reason);

/// <summary>Correct an account.</summary>
/// <param name="Credits">Positive: a lot that never expires. Negative: taken from the free lots in burn order.</param>
public sealed record AdjustCredits(TransactionId TransactionId, string TeamId, decimal Credits, string Reason);

/// <summary>Set how a team is charged; what is null stays as it is.</summary>
/// <param name="Terms">For jobs that open from now on.</param>
/// <param name="Limit">Of a calendar month.</param>
public sealed record ConfigureAccount(
    string TeamId, BudgetTermsChange? Terms = null, CreditLimit? Limit = null, Thresholds? Thresholds = null);

/// <summary>The most a team may use in a calendar month (UTC), in credits; null is no limit.</summary>
public sealed record CreditLimit(decimal? Credits);

/// <summary>Where a team's account is worth an event; what is null stays as it is.</summary>
/// <param name="LowCredits">Levels of remaining credits: <c>credits.low</c> on the way down, <c>credits.recovered</c> on the way up.</param>
public sealed record Thresholds(IReadOnlyList<decimal>? LowCredits = null, UnchargedThreshold? UnchargedUsd = null);

/// <summary>Client cost of a calendar month's jobs that were not charged, in USD; null is no event.</summary>
public sealed record UnchargedThreshold(decimal? Usd);

/// <summary>A ledger entry as it was written.</summary>
/// <param name="Lots">What it added to which lots; negative for what it took.</param>
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
    IReadOnlyList<LotShare> Lots,
    DateTimeOffset CreatedAt);
