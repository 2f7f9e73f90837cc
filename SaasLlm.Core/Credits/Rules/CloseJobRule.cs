using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>
/// The end of a job. The first terminal status wins; the hold ends once, as settled, released or expired; a completed job is
/// charged its price or nothing.
/// </summary>
internal static class CloseJobRule
{
    public static Decision<ClosedJob> Decide(LedgerState state, CloseJob command, RowIds ids, DateTimeOffset now)
    {
        if (state.Job is not { } job || state.Account is not { } account)
        {
            return Decision<ClosedJob>.Unchanged(state, LedgerFailures.JobNotFound);
        }

        if (!job.IsOpen)
        {
            return Decision<ClosedJob>.Unchanged(state, job.Status == command.Status ? Answer(job) : job.Over());
        }

        var isExpiry = command.Status == JobStatus.Expired;
        if (now >= job.DeadlineAt && !isExpiry)
        {
            // Whether the sweep was here yet must not decide about money: past its deadline a job has expired.
            var expired = End(state, account, job, command with { Status = JobStatus.Expired, ErrorMessage = null, MetadataJson = null }, ids, now);
            return expired with { Answer = expired.State.Job!.Over() };
        }

        if (now < job.DeadlineAt && isExpiry)
        {
            return Decision<ClosedJob>.Unchanged(state, new Failure(FailureKind.Conflict, "job.not_expired", "The job's deadline has not passed."));
        }

        if (command.Status == JobStatus.Completed && job.HasRunningCall(now))
        {
            return Decision<ClosedJob>.Unchanged(state, LedgerFailures.CallRunning);
        }

        return End(state, account, job, command, ids, now);
    }

    private static Decision<ClosedJob> End(
        LedgerState state, AccountState account, JobState job, CloseJob command, RowIds ids, DateTimeOffset now)
    {
        var reason = WhyNothingIsCharged(job, command.Status);
        var charge = reason is null ? job.Price : 0;
        var accountAfter = (account with { Held = account.Held - job.HoldAmount }).Use(charge, now);
        List<LedgerEntry> entries = [];
        if (charge > 0)
        {
            accountAfter = accountAfter with { LastSequence = account.LastSequence + 1 };
            entries.Add(new TransactionPosted(new(
                new(ids.Transaction), account.TeamId, accountAfter.LastSequence, "deduction", -charge,
                account.Remaining, accountAfter.Remaining, job.JobId, $"job {command.Status}", now)));
        }

        var jobAfter = job with
        {
            Status = command.Status,
            HoldState = command.Status switch
            {
                JobStatus.Completed => "settled",
                JobStatus.Expired => "expired",
                _ => "released",
            },
            SettledAmount = charge,
            // What had not succeeded when the job ended counts as failed, a call that it overtook included.
            FailedCalls = job.StartedCalls - job.SuccessfulCalls,
            ErrorMessage = command.ErrorMessage,
            CreditApplied = charge > 0,
            CreditReason = reason,
            CreditsRemaining = accountAfter.Remaining,
            CompletedAt = now,
            MetadataPatch = command.MetadataJson,
        };
        var answer = Answer(jobAfter);
        entries.Add(LedgerEvents.JobEnded(ids.Message, account.TeamId, answer, now));
        return new(answer, state with { Account = accountAfter, Job = jobAfter }, entries);
    }

    private static string? WhyNothingIsCharged(JobState job, string status)
    {
        if (status != JobStatus.Completed)
        {
            return status;
        }

        if (job.Price == 0)
        {
            return "free";
        }

        // No call at all is charged: the app says that the work was done.
        return job.StartedCalls > 0 && job.SuccessfulCalls == 0 ? "no_successful_call" : null;
    }

    private static ClosedJob Answer(JobState job)
    {
        var ended = job.SuccessfulCalls + job.FailedCalls;
        return new(
            job.JobId,
            job.Status,
            job.CompletedAt!.Value,
            job.StartedCalls,
            job.SuccessfulCalls,
            job.FailedCalls,
            job.InputTokens + job.OutputTokens,
            job.ClientCostUsd,
            ended == 0 ? 0 : (int)Math.Min(int.MaxValue, job.LatencyMsSum / ended),
            job.CreditApplied,
            job.CreditReason,
            job.SettledAmount,
            job.UncollectedCredits,
            job.CreditsRemaining ?? 0);
    }
}
