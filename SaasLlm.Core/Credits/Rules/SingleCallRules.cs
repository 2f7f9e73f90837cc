using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>A request that is its own job: the rules of job and call, one after the other, in one decision.</summary>
internal static class SingleCallRules
{
    public static Decision<StartedCall> Open(LedgerState state, OpenJob job, StartCall call, DateTimeOffset now)
    {
        var opened = OpenJobRule.Decide(state, job, now);
        if (opened.Answer.Failure is { } refused)
        {
            return Decision<StartedCall>.Unchanged(state, refused);
        }

        // The same command again: its call is running, or over.
        if (opened.State.Job!.StartedCalls > 0)
        {
            var known = opened.State.Job;
            return Decision<StartedCall>.Unchanged(
                state, known.IsOver(now) ? known.Over() : CallRules.Answer(known, now));
        }

        var started = CallRules.Start(opened.State, call, now);
        return started.Answer.Failure is { } failure
            ? Decision<StartedCall>.Unchanged(state, failure)
            : started with { Entries = [.. opened.Entries, .. started.Entries] };
    }

    public static Decision<ClosedJob> End(LedgerState state, EndCall call, RowIds ids, DateTimeOffset now)
    {
        // Both may raise events: the call's are numbered after the job's.
        var ended = CallRules.End(state, call, ids with { Message = ids.MessageAt(LedgerEvents.OfEndMax) }, now);
        if (ended.State.Job is null)
        {
            return Decision<ClosedJob>.Unchanged(state, LedgerFailures.JobNotFound);
        }

        // Even where the job is over already, the call is recorded: what closing says then is the answer.
        var status = call.ErrorCode is null ? JobStatus.Completed : JobStatus.Failed;
        var closed = CloseJobRule.Decide(ended.State, new(call.TeamId, call.JobId, status, call.ErrorCode, null), ids, now);
        return closed with { Entries = [.. ended.Entries, .. closed.Entries] };
    }
}
