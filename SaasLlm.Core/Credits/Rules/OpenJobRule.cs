using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>
/// Opening a job holds its price, or one increment where consumption decides. A price of zero holds nothing and needs no balance.
/// </summary>
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

        var terms = Terms(account.Terms, command.Price);
        if (CreditRefusal.Of(account, terms.OpeningHold, now) is { } refused)
        {
            return Decision<OpenedJob>.Unchanged(state, refused);
        }

        var (held, shares) = account.Hold(terms.OpeningHold);
        var job = new JobState(
            account.TeamId, command.JobId, account.IsSuspended, JobStatus.Pending, terms, command.MaxCalls, command.MaxCostUsd,
            now, now + command.Lifetime, terms.OpeningHold)
        {
            Lots = shares,
            JobType = command.JobType,
            UserId = command.UserId,
            ExternalTaskId = command.ExternalTaskId,
            MetadataPatch = command.MetadataJson,
            PriceVersion = command.PriceVersion,
            RunsItself = command.RunsItself,
            RaisesEvents = account.RaisesJobEvents,
        };
        return new(Answer(job), state with { Account = held, Job = job }, [new JobOpened(command, account.OrganizationId, job), .. LedgerEvents.OfOpening(command, job)]);
    }

    // What the job keeps: the team's terms, with its own type's price.
    private static BudgetTerms Terms(BudgetTerms team, decimal? price)
        => team.IsConsumption ? team with { CreditsPerJob = 0 } : team with { CreditsPerJob = price ?? team.CreditsPerJob };

    // Said again, it is what was held at the opening, whatever the hold was extended to since.
    private static OpenedJob Answer(JobState job) => new(job.JobId, job.TeamId, job.CreatedAt, job.DeadlineAt, job.Terms.OpeningHold);
}
