using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>
/// Calls and their attempts. An attempt's row is there before it is sent; a call runs exactly while an attempt of it is open.
/// What arrives after the job's end is recorded and never counted: the operator paid for it, the client does not.
/// </summary>
internal static class CallRules
{
    /// <summary>Most calls leave the account alone: the writer locks it, and reads what runs, only for those that say so.</summary>
    public static Failure AccountNeeded { get; } = new(FailureKind.Conflict, "ledger.account_needed", "Decide again, with the account locked.");

    public static Decision<StartedCall> Start(LedgerState state, StartCall command, DateTimeOffset now)
    {
        if (state.Job is not { } job)
        {
            return Decision<StartedCall>.Unchanged(state, LedgerFailures.JobNotFound);
        }

        if (job.IsOver(now))
        {
            return Decision<StartedCall>.Unchanged(state, job.Over());
        }

        if (job.TeamIsSuspended)
        {
            return Decision<StartedCall>.Unchanged(state, LedgerFailures.TeamSuspended);
        }

        if (job.RunsItself && !command.IsPlanned)
        {
            return Decision<StartedCall>.Unchanged(state, LedgerFailures.RunsItself);
        }

        if (!command.IsPlanned && job.StartedCalls >= job.MaxCalls)
        {
            return Decision<StartedCall>.Unchanged(state, LedgerFailures.MaxCalls(job.MaxCalls));
        }

        if (command.PriceVersion is { } version && job.PriceVersion is { } kept && kept != version)
        {
            return Decision<StartedCall>.Unchanged(state, JobsPrices.Are(kept));
        }

        var isBounded = IsBounded(job);
        if (isBounded && state.Account is null)
        {
            return Decision<StartedCall>.Unchanged(state, AccountNeeded);
        }

        var (admitted, refused) = isBounded ? Cover(state, job, command, now) : (state, null);
        if (refused is not null)
        {
            return Decision<StartedCall>.Unchanged(state, refused);
        }

        var attempt = Begin(job, command.CallId, command.Attempt, now);
        var after = admitted.Job! with
        {
            Status = JobStatus.InProgress,
            StartedAt = job.StartedAt ?? now,
            StartedCalls = job.StartedCalls + 1,
            ModelGroupsUsed = job.ModelGroupsUsed.Contains(command.ModelGroup) ? job.ModelGroupsUsed : [.. job.ModelGroupsUsed, command.ModelGroup],
            Running = [.. job.Running, Open(attempt)],
        };
        return new(Answer(after, now), admitted with { Job = after }, [attempt, .. LedgerEvents.OfStart(job, command, now)]);
    }

    /// <summary>What the caller of a started call needs of its job.</summary>
    public static StartedCall Answer(JobState job, DateTimeOffset now) => new(job.Terms.MarkupPercent, job.DeadlineAt - now, IsBounded(job));

    private static bool IsBounded(JobState job) => job.Terms.IsConsumption || job.MaxCostUsd is not null;

    // Before a call is sent, the job's hold covers what its calls have used and the most that the running ones and this one may use.
    private static (LedgerState State, Failure? Refused) Cover(LedgerState state, JobState job, StartCall call, DateTimeOffset now)
    {
        var room = CallRoom.Of(job, state.Account!, now);
        var (cost, missing) = room.Needs(call.Attempt.Estimate);
        if (cost > job.MaxCostUsd)
        {
            return (state, room.Explain(LedgerFailures.MaxCost(job.MaxCostUsd.Value, cost), call.Lengths));
        }

        if (CreditRefusal.Of(state.Account!, missing, now) is { } refused)
        {
            return (state, room.Explain(refused, call.Lengths));
        }

        if (missing <= 0)
        {
            return (state, null);
        }

        var (account, shares) = state.Account!.Hold(missing);
        return (state with
        {
            Account = account,
            Job = job with { HoldAmount = job.HoldAmount + missing, Lots = LotRules.Join(job.Lots, shares) },
        }, null);
    }

    public static Decision<Accepted> Next(LedgerState state, NextAttempt command, DateTimeOffset now)
    {
        if (state.Job is not { } job)
        {
            return Decision<Accepted>.Unchanged(state, LedgerFailures.JobNotFound);
        }

        var closed = new AttemptClosed(job.TeamId, command.Ended, now);
        var others = job.Running.Where(running => running.AttemptId != command.Ended.AttemptId);
        if (job.IsOver(now))
        {
            return new(job.Over(), state with { Job = job with { Running = [.. others] } }, [closed]);
        }

        var next = Begin(job, command.CallId, command.Next, now);
        return new(default(Accepted), state with { Job = job with { Running = [.. others, Open(next)] } }, [closed, next]);
    }

    public static Decision<Accepted> End(LedgerState state, EndCall command, RowIds ids, DateTimeOffset now)
    {
        if (state.Job is not { } job)
        {
            return Decision<Accepted>.Unchanged(state, LedgerFailures.JobNotFound);
        }

        if (state.CallIsRecorded)
        {
            return Decision<Accepted>.Unchanged(state, default(Accepted));
        }

        List<LedgerEntry> entries = [new CallRecorded(command, now)];
        if (command.Ended is { } ended)
        {
            entries.Add(new AttemptClosed(job.TeamId, ended, now));
        }

        var after = job with { Running = [.. job.Running.Where(running => running.CallId != command.CallId)] };
        if (job.IsOver(now))
        {
            entries[0] = new CallRecorded(command with { ErrorCode = command.ErrorCode ?? job.Over().Code }, now);
            return Late(state with { Job = after, CallIsRecorded = true }, state, command, entries, ids, now);
        }

        // Every call that ends was started; more ends than starts is a caller's mistake, not a row.
        if (job.SuccessfulCalls + job.FailedCalls >= job.StartedCalls)
        {
            return Decision<Accepted>.Unchanged(state, LedgerFailures.CallNotFound);
        }

        return new(default(Accepted), state with { Job = Count(after, command), CallIsRecorded = true }, entries);
    }

    // Its job counted it as failed, and its caller was told so: a row that said otherwise would make usage and jobs tell two stories. Ending a job does
    // not make the call free that it overtook: its cost stays with it, and is among what was not charged.
    private static Decision<Accepted> Late(
        LedgerState recorded, LedgerState before, EndCall command, List<LedgerEntry> entries, RowIds ids, DateTimeOffset now)
    {
        var job = recorded.Job!;
        var cost = job.Status == JobStatus.Completed ? 0 : Money.RoundUsdUp(command.ClientCostUsd ?? 0);
        if (cost == 0)
        {
            return new(job.Over(), recorded, entries);
        }

        if (before.Account is not { } account)
        {
            return Decision<Accepted>.Unchanged(before, AccountNeeded);
        }

        var after = account.AddUncharged(cost, now);
        return new(
            job.Over(), recorded with { Account = after }, [.. entries, .. LedgerEvents.OfUncharged(ids.MessageAt(0), account, after, now)]);
    }

    private static JobState Count(JobState job, EndCall call) => job with
    {
        SuccessfulCalls = job.SuccessfulCalls + (call.ErrorCode is null ? 1 : 0),
        FailedCalls = job.FailedCalls + (call.ErrorCode is null ? 0 : 1),
        InputTokens = job.InputTokens + call.Usage.Input,
        OutputTokens = job.OutputTokens + call.Usage.Output,
        ProviderCostUsd = job.ProviderCostUsd + Money.RoundUsdUp(call.ProviderCostUsd ?? 0),
        ClientCostUsd = job.ClientCostUsd + Money.RoundUsdUp(call.ClientCostUsd ?? 0),
        LatencyMsSum = job.LatencyMsSum + call.LatencyMs,
    };

    // A call's deadline never passes its job's.
    private static AttemptStarted Begin(JobState job, CallId call, AttemptIntent attempt, DateTimeOffset now)
    {
        var deadline = now + attempt.Timeout;
        return new(job.TeamId, job.JobId, call, attempt, now, deadline < job.DeadlineAt ? deadline : job.DeadlineAt);
    }

    private static RunningAttempt Open(AttemptStarted started)
        => new(started.Attempt.AttemptId, started.CallId, started.DeadlineAt, started.Attempt.Estimate.Tokens, started.Attempt.Estimate.ProviderCostUsd);
}
