using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>Refusals that more than one rule gives.</summary>
internal static class LedgerFailures
{
    public static Failure TeamNotFound { get; } = new(FailureKind.NotFound, "team.not_found", "There is no such team.");

    public static Failure TeamSuspended { get; } = new(FailureKind.Forbidden, "team.suspended", "The team is suspended.");

    public static Failure JobNotFound { get; } = new(FailureKind.NotFound, "job.not_found", "There is no such job.");

    public static Failure CallNotFound { get; } = new(FailureKind.NotFound, "call.not_found", "The job has no such call running.");

    public static Failure CallRunning { get; } = new(
        FailureKind.Conflict, "jobs.call_running", "A call of this job is still running. Nothing was changed.")
    {
        RetryAfter = TimeSpan.FromSeconds(1),
    };

    public static Failure RunsItself { get; } = new(
        FailureKind.Conflict, "background.runs_itself",
        "The job was submitted with its calls: it takes no others, and completes when they have ended. It can be cancelled, or completed as failed.");

    public static Failure MaxCalls(int limit) => new(FailureKind.LimitReached, "jobs.limit", $"The job may make {limit} calls.")
    {
        Details = new Dictionary<string, object?> { ["limit"] = "max_calls", ["level"] = "job", ["max_calls"] = limit },
    };

    public static Failure MaxCost(decimal limit, decimal needed) => new(
        FailureKind.LimitReached, "jobs.limit", $"The calls of this job may cost {Money.Trim(limit)} USD together.")
    {
        Details = new Dictionary<string, object?>
        {
            ["limit"] = "max_cost_usd",
            ["level"] = "job",
            ["max_cost_usd"] = Money.Trim(limit),
            ["needed_usd"] = Money.Trim(needed),
        },
    };

    public static Failure AlreadyExpired { get; } = new(
        FailureKind.Invalid, "credits.already_expired", "These credits would have expired already.");

    public static Failure InvalidAmount { get; } = new(
        FailureKind.Invalid, "credits.invalid_amount", "Credits are an amount other than zero, with at most six decimal places.");

    public static Failure NotCharged { get; } = new(FailureKind.Conflict, "credits.not_charged", "The job was not charged: there is nothing to refund.");

    public static Failure RefundExceedsCharge(decimal refundable) => new(
        FailureKind.Conflict, "credits.refund_exceeds_charge", $"{Money.Trim(refundable)} credits of the job's deduction can still be refunded.")
    {
        Details = new Dictionary<string, object?> { ["refundable"] = Money.Trim(refundable) },
    };

    public static Failure CreditsHeld(AccountState account) => new(
        FailureKind.Conflict, "credits.held", $"At most {Money.Trim(account.Available)} credits can be taken: the rest is used, or held by open jobs.")
    {
        Details = new Dictionary<string, object?> { ["available"] = Money.Trim(account.Available), ["held"] = Money.Trim(account.Held) },
    };

    public static Failure ReferenceUsed(PostedTransaction posted) => new(
        FailureKind.Conflict, "credits.reference_used", "That reference names another grant of this source.")
    {
        Details = new Dictionary<string, object?> { ["transaction_id"] = posted.TransactionId.Value, ["credits"] = Money.Trim(posted.Amount) },
    };

    /// <summary>True for what one transaction may move.</summary>
    public static bool IsAmount(decimal credits) => credits <= Money.CreditsMax && Money.IsExactCredits(credits);
}
