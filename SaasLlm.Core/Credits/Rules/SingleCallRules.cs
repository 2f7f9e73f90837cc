using SaasLlm.Core.Common;
using SaasLlm.Core.Idempotency;
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

        if (opened.State.Job!.StartedCalls > 0)
        {
            return Decision<StartedCall>.Unchanged(state, Again(opened.State.Job, call, now));
        }

        var started = CallRules.Start(opened.State, call, now);
        return started.Answer.Failure is { } failure
            ? Decision<StartedCall>.Unchanged(state, failure)
            : started with { Entries = [.. opened.Entries, .. started.Entries] };
    }

    // The same command again finds its call running. Another call is a repeat of the request: what became of the first one nobody told it,
    // and the model may have been paid for it.
    private static Result<StartedCall> Again(JobState known, StartCall call, DateTimeOffset now)
        => known.IsOver(now) ? known.Over()
            : known.Running.Any(running => running.CallId == call.CallId) ? CallRules.Answer(known, now)
            : IdempotencyRules.OutcomeUnknown;

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
