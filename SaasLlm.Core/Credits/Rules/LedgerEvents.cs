using System.Globalization;
using System.Text.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>The events that go out with the ledger's commits, as their receivers read them.</summary>
internal static class LedgerEvents
{
    /// <summary>More than one decision of <see cref="OfEnd"/> raises: a team has at most twenty thresholds.</summary>
    public const int OfEndMax = 32;

    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>The events of a job's end: its own, what it crossed, and what it left unpaid.</summary>
    public static IEnumerable<EventRaised> OfEnd(
        RowIds ids, AccountState before, AccountState after, JobState ended, ClosedJob job, DateTimeOffset now)
    {
        yield return JobEnded(ids.MessageAt(0), ended, job, now);
        var index = 1;
        if (job.UncollectedCredits > 0)
        {
            yield return Raise(ids.MessageAt(index++), before.TeamId, "job.uncollected", $"job:{job.JobId}:uncollected", now,
                new { JobId = job.JobId.Value, before.TeamId, UncollectedCredits = Money.Trim(job.UncollectedCredits) });
        }

        foreach (var passed in OfUncharged(ids.MessageAt(index), before, after, now))
        {
            index++;
            yield return passed;
        }

        foreach (var crossed in OfLevel(ids, before, after.Remaining, index, now))
        {
            yield return crossed;
        }
    }

    /// <summary><c>job.created</c>, where somebody asked for it: a row more for every job. Its id follows the job's, and a repeat makes the same.</summary>
    public static IEnumerable<EventRaised> OfOpening(OpenJob command, JobState job)
    {
        if (job.RaisesEvents)
        {
            yield return Raise(new RowIds(default, job.JobId.Value).MessageAt(1), job.TeamId, "job.created", $"job:{job.JobId}:created", job.CreatedAt,
                new
                {
                    JobId = job.JobId.Value,
                    job.TeamId,
                    command.JobType,
                    command.UserId,
                    command.ExternalTaskId,
                    CreditsHeld = Money.Trim(job.HoldAmount),
                    job.CreatedAt,
                    job.DeadlineAt,
                });
        }
    }

    /// <summary><c>job.started</c>, with a job's first call, likewise.</summary>
    public static IEnumerable<EventRaised> OfStart(JobState job, StartCall command, DateTimeOffset now)
    {
        if (job is { RaisesEvents: true, StartedCalls: 0 })
        {
            yield return Raise(new RowIds(default, command.CallId.Value).MessageAt(1), job.TeamId, "job.started", $"job:{job.JobId}:started", now,
                new { JobId = job.JobId.Value, job.TeamId, command.ModelGroup, StartedAt = now });
        }
    }

    /// <summary><c>team.uncharged_cost</c>, where the month's uncharged cost passes the team's threshold.</summary>
    public static IEnumerable<EventRaised> OfUncharged(Guid messageId, AccountState before, AccountState after, DateTimeOffset now)
    {
        var unchargedBefore = before.MonthStart == after.MonthStart ? before.MonthUnchargedUsd : 0;
        if (after.UnchargedThresholdUsd is { } threshold && unchargedBefore <= threshold && after.MonthUnchargedUsd > threshold)
        {
            yield return Raise(messageId, before.TeamId, "team.uncharged_cost", string.Create(CultureInfo.InvariantCulture, $"team:{before.TeamId}:uncharged:{after.MonthStart:yyyy-MM}:{Money.Trim(threshold)}"), now,
                new { before.TeamId, Month = $"{after.MonthStart:yyyy-MM}", UnchargedUsd = Money.Trim(after.MonthUnchargedUsd), ThresholdUsd = Money.Trim(threshold) });
        }
    }

    /// <summary><c>credits.added</c>, and what the grant crossed.</summary>
    public static IEnumerable<EventRaised> OfGrant(RowIds ids, AccountState before, PostedTransaction posted)
        => [CreditsAdded(ids.MessageAt(0), posted), .. OfLevel(ids, before, posted.CreditsAfter, 1, posted.CreatedAt)];

    /// <summary>
    /// <c>credits.low</c> where remaining credits fall to a threshold, <c>credits.recovered</c> where they rise above it, and
    /// <c>credits.exhausted</c> at zero. Remaining credits chain from entry to entry: each crossing is seen once.
    /// </summary>
    /// <param name="firstMessage">The number of the decision's first message that is free.</param>
    public static IEnumerable<EventRaised> OfLevel(RowIds ids, AccountState before, decimal remaining, int firstMessage, DateTimeOffset now)
    {
        var index = firstMessage;
        foreach (var threshold in before.LowThresholds)
        {
            var topic = before.Remaining > threshold && remaining <= threshold ? "credits.low"
                : before.Remaining <= threshold && remaining > threshold ? "credits.recovered"
                : null;
            if (topic is not null)
            {
                yield return Level(topic, threshold);
            }
        }

        if (before.Remaining > 0 && remaining == 0)
        {
            yield return Level("credits.exhausted", 0);
        }

        EventRaised Level(string topic, decimal threshold)
        {
            var id = ids.MessageAt(index++);
            return Raise(id, before.TeamId, topic, $"{topic}:{id}", now,
                new { before.TeamId, Threshold = Money.Trim(threshold), CreditsBefore = Money.Trim(before.Remaining), CreditsRemaining = Money.Trim(remaining) });
        }
    }

    // job.completed, job.failed, job.cancelled or job.expired.
    private static EventRaised JobEnded(Guid messageId, JobState ended, ClosedJob job, DateTimeOffset now) => new(
        messageId,
        ended.TeamId,
        $"job.{job.Status}",
        $"job:{job.JobId}:{job.Status}",
        Write(new
        {
            JobId = job.JobId.Value,
            ended.TeamId,
            ended.JobType,
            ended.UserId,
            ended.ExternalTaskId,
            job.Status,
            ended.ErrorMessage,
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

    private static EventRaised CreditsAdded(Guid messageId, PostedTransaction posted) => new(
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

    private static EventRaised Raise<T>(Guid id, string teamId, string topic, string dedupeKey, DateTimeOffset now, T payload)
        => new(id, teamId, topic, dedupeKey, Write(payload), now);

    private static string Write<T>(T payload) => JsonSerializer.Serialize(payload, s_json);
}
