using System.Text.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>The events that go out with the ledger's commits, as their receivers read them.</summary>
internal static class LedgerEvents
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary><c>job.completed</c>, <c>job.failed</c>, <c>job.cancelled</c> or <c>job.expired</c>.</summary>
    public static EventRaised JobEnded(Guid messageId, string teamId, ClosedJob job, DateTimeOffset now) => new(
        messageId,
        teamId,
        $"job.{job.Status}",
        $"job:{job.JobId}:{job.Status}",
        Write(new
        {
            JobId = job.JobId.Value,
            TeamId = teamId,
            job.Status,
            job.CompletedAt,
            job.TotalCalls,
            job.SuccessfulCalls,
            job.FailedCalls,
            job.TotalTokens,
            TotalCostUsd = Money.Trim(job.ClientCostUsd),
            job.CreditApplied,
            job.CreditReason,
            CreditsCharged = Money.Trim(job.CreditsCharged),
            CreditsRemaining = Money.Trim(job.CreditsRemaining),
        }),
        now);

    /// <summary><c>credits.added</c>.</summary>
    public static EventRaised CreditsAdded(Guid messageId, PostedTransaction posted) => new(
        messageId,
        posted.TeamId,
        "credits.added",
        $"transaction:{posted.TransactionId}",
        Write(new
        {
            TransactionId = posted.TransactionId.Value,
            posted.TeamId,
            posted.Kind,
            CreditsAdded = Money.Trim(posted.Amount),
            CreditsBefore = Money.Trim(posted.CreditsBefore),
            CreditsAfter = Money.Trim(posted.CreditsAfter),
            posted.Reason,
            posted.CreatedAt,
        }),
        posted.CreatedAt);

    private static string Write<T>(T payload) => JsonSerializer.Serialize(payload, s_json);
}
