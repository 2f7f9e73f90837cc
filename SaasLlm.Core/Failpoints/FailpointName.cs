namespace SaasLlm.Core.Failpoints;

/// <summary>The failpoints, in the order in which a job passes them.</summary>
public static class FailpointName
{
    /// <summary>An Idempotency-Key is claimed, its work has not begun.</summary>
    public const string KeyClaimed = "idempotency.after_claim";

    /// <summary>The work of a keyed request is done, its answer is not stored.</summary>
    public const string KeyWorked = "idempotency.after_work";

    /// <summary>The answer to a keyed request is stored, its caller does not have it.</summary>
    public const string KeyStored = "idempotency.after_store";

    /// <summary>Redis holds the price; Postgres does not know the job.</summary>
    public const string AfterReserve = "ledger.after_reserve";

    /// <summary>Postgres refused the job; Redis still holds its price. <c>skip</c> leaves it there.</summary>
    public const string ReleaseReservation = "ledger.release_reservation";

    /// <summary>The writer took its commands from the queue.</summary>
    public const string BeforeBegin = "writer.before_begin";

    /// <summary>The rows are locked, nothing is written.</summary>
    public const string AfterLocks = "writer.after_locks";

    /// <summary>Writes and COMMIT are sent, the reply is not read: nobody here knows the outcome.</summary>
    public const string CommitSent = "writer.commit_sent";

    /// <summary>Committed; Redis and the callers do not know.</summary>
    public const string AfterCommit = "writer.after_commit";

    /// <summary>Committed and told to Redis; the callers do not know.</summary>
    public const string AfterPush = "writer.after_push";

    /// <summary>The attempt is written, nothing is sent upstream.</summary>
    public const string BeforeUpstream = "call.before_upstream";

    /// <summary>A part of a streamed answer is handed on, more is to come.</summary>
    public const string AfterChunk = "stream.after_chunk";

    /// <summary>The upstream answered (and bills); nothing of it is written.</summary>
    public const string AfterUpstream = "call.after_upstream";

    /// <summary>The call is settled, its caller has no answer.</summary>
    public const string AfterSettle = "call.after_settle";

    /// <summary>Overdue jobs were read, none is closed.</summary>
    public const string ExpiryRead = "expiry.after_read";

    /// <summary>The jobs that were read are closed; what follows in the pass is not done.</summary>
    public const string ExpiryClosed = "expiry.after_close";

    /// <summary>Abandoned attempts are marked; what follows in the pass is not done.</summary>
    public const string AbandonedMarked = "abandoned.after_mark";

    /// <summary>Refills are granted; their next ticks are not written.</summary>
    public const string RefillGranted = "refill.after_grant";

    /// <summary>A background step is answered; nothing of it is saved.</summary>
    public const string StepAnswered = "background.step_answered";

    /// <summary>A background step is saved; its call is not billed.</summary>
    public const string StepSaved = "background.step_saved";

    /// <summary>A background job's steps have run; the ledger has not ended it.</summary>
    public const string PlanFinishing = "background.before_close";

    /// <summary>The ledger has ended a background job; its plan goes on.</summary>
    public const string PlanFinished = "background.after_close";

    /// <summary>A background job's plan is stored; the ledger does not know the job.</summary>
    public const string PlanStored = "background.plan_stored";

    /// <summary>The ledger has opened a background job; its plan does not run.</summary>
    public const string PlanOpened = "background.plan_opened";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        KeyClaimed, KeyWorked, KeyStored, AfterReserve, ReleaseReservation, BeforeBegin, AfterLocks, CommitSent, AfterCommit, AfterPush,
        BeforeUpstream, AfterChunk, AfterUpstream, AfterSettle, ExpiryRead, ExpiryClosed, AbandonedMarked,
        PlanStored, PlanOpened, StepAnswered, StepSaved, PlanFinishing, PlanFinished, RefillGranted,
    ];
}
