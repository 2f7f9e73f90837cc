using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>
/// The end of a job. The first terminal status wins; the hold ends once, as settled, released or expired; a completed job is
/// charged what it is due or nothing, and never more than the account has.
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

        if (command is { Status: JobStatus.Completed, IsPlanned: false } && (job.RunsItself || job.HasRunningCall(now)))
        {
            return Decision<ClosedJob>.Unchanged(state, job.RunsItself ? LedgerFailures.RunsItself : LedgerFailures.CallRunning);
        }

        return End(state, account, job, command, ids, now);
    }

    private static Decision<ClosedJob> End(
        LedgerState state, AccountState account, JobState job, CloseJob command, RowIds ids, DateTimeOffset now)
    {
        var reason = WhyNothingIsCharged(job, command.Status);
        var due = reason is not null ? 0
            : job.Terms.IsConsumption ? job.Terms.CreditsFor(job.ClientCostUsd, job.InputTokens + job.OutputTokens)
            : job.Terms.CreditsPerJob;
        var (covered, shares) = Extend(account, job, due, now);
        var charge = Math.Min(due, job.HoldAmount + shares.Sum(share => share.Credits));

        // The whole hold is released, and what is charged is burned of the same lots, first to burn first.
        var held = LotRules.Join(job.Lots, shares);
        var burned = LotRules.Split(held, charge).First;
        var after = covered.Release(held).Burn(burned, now);
        List<LedgerEntry> entries = [];
        if (charge > 0)
        {
            (after, var deduction) = after.Post(
                account, ids.Transaction, "deduction", LotRules.Negative(burned), job.JobId, $"job {command.Status}", now);
            entries.Add(new TransactionPosted(deduction));
        }

        if (command.Status != JobStatus.Completed)
        {
            after = after.AddUncharged(job.ClientCostUsd, now);
        }

        var ended = job with
        {
            Status = command.Status,
            HoldState = command.Status switch
            {
                JobStatus.Completed => "settled",
                JobStatus.Expired => "expired",
                _ => "released",
            },
            HoldAmount = Math.Max(job.HoldAmount, charge),
            Lots = burned,
            SettledAmount = charge,
            UncollectedCredits = due - charge,
            // What had not succeeded when the job ended counts as failed, a call that it overtook included.
            FailedCalls = job.StartedCalls - job.SuccessfulCalls,
            ErrorMessage = command.ErrorMessage,
            CreditApplied = charge > 0,
            CreditReason = reason,
            CreditsRemaining = after.Remaining,
            CompletedAt = now,
            MetadataPatch = command.MetadataJson,
        };
        var answer = Answer(ended);
        entries.AddRange(LedgerEvents.OfEnd(ids, account, after, ended, answer, now));
        return new(answer, state with { Account = after, Job = ended }, entries);
    }

    // What is due above the hold is taken as far as there is something to take; the rest stays uncollected.
    private static (AccountState Account, IReadOnlyList<LotShare> Shares) Extend(AccountState account, JobState job, decimal due, DateTimeOffset now)
    {
        var missing = Math.Min(due - job.HoldAmount, Math.Min(account.Available, account.LimitLeftAt(now) ?? decimal.MaxValue));
        return missing > 0 ? account.Hold(missing) : (account, []);
    }

    private static string? WhyNothingIsCharged(JobState job, string status)
    {
        if (status != JobStatus.Completed)
        {
            return status;
        }

        if (!job.Terms.IsConsumption && job.Terms.CreditsPerJob == 0)
        {
            return "free";
        }

        // No call at all: by the job it is charged, for the app says that the work was done; by consumption there is nothing to charge.
        return job.StartedCalls == 0
            ? (job.Terms.IsConsumption ? "no_call" : null)
            : (job.SuccessfulCalls == 0 ? "no_successful_call" : null);
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
            job.CreditsRemaining ?? 0,
            job.RunsItself);
    }
}
