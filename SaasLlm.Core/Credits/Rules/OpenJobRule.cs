using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>Opening a job holds its price. A price of zero holds nothing and needs no balance.</summary>
internal static class OpenJobRule
{
    public static Decision<OpenedJob> Decide(LedgerState state, OpenJob command, DateTimeOffset now)
    {
        if (state.Account is not { } account)
        {
            return Decision<OpenedJob>.Unchanged(state, LedgerFailures.TeamNotFound);
        }

        // The same command again, after an answer that was lost: the id is the command's.
        if (state.Job is { } existing)
        {
            return Decision<OpenedJob>.Unchanged(state, Answer(existing));
        }

        if (account.IsSuspended)
        {
            return Decision<OpenedJob>.Unchanged(state, LedgerFailures.TeamSuspended);
        }

        var price = account.CreditsPerJob;
        if (price > account.Available)
        {
            return Decision<OpenedJob>.Unchanged(state, CreditRefusal.Insufficient(new(account.Allocated, account.Used, account.Held, price)));
        }

        if (price > 0 && account.CreditLimit is { } limit && account.MonthUsedAt(now) + account.Held + price > limit)
        {
            return Decision<OpenedJob>.Unchanged(state, CreditRefusal.Limit(account, price, now));
        }

        var job = new JobState(
            account.TeamId, command.JobId, account.IsSuspended, JobStatus.Pending, price, account.MarkupPercent,
            command.MaxCalls, now, now + command.Lifetime, price)
        {
            MetadataPatch = command.MetadataJson,
        };
        var after = account with { Held = account.Held + price };
        return new(Answer(job), state with { Account = after, Job = job }, [new JobOpened(command, account, job)]);
    }

    private static OpenedJob Answer(JobState job) => new(job.JobId, job.TeamId, job.CreatedAt, job.DeadlineAt, job.HoldAmount);
}
