using System.Diagnostics;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Rules;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>What a command must find locked or read before it is decided.</summary>
/// <param name="Kind">For metrics, from a closed set.</param>
/// <param name="LocksAccount">It changes the team's account or its lots.</param>
/// <param name="NeedsBurnedLots">It gives back to lots that the job burned, and that may be empty.</param>
/// <param name="Grants">The source and reference of the lot that it grants.</param>
/// <param name="NeedsRunning">It asks which attempts of the job are open, other than that of the call it ends.</param>
/// <param name="FreesCredits">Its caller may count on what it freed: Redis is told before the answer.</param>
internal sealed record CommandScope(string Kind, string TeamId)
{
    public JobId? Job { get; init; }

    public bool LocksAccount { get; init; }

    public bool NeedsRunning { get; init; }

    public bool NeedsBurnedLots { get; init; }

    public bool FreesCredits { get; init; }

    public CallId? EndsCall { get; init; }

    public TransactionId? Posts { get; init; }

    public LotKey? Grants { get; init; }
}

/// <summary>What names a grant among a team's lots.</summary>
internal readonly record struct LotKey(string Source, string Reference);

/// <summary>A queued command with its waiting caller. Decided, perhaps again after a rollback, then answered once.</summary>
internal abstract class LedgerCommand(CommandScope scope, CancellationToken cancellation)
{
    public CommandScope Scope { get; } = scope;

    /// <summary>The trace of whoever asked.</summary>
    public ActivityContext Caller { get; } = Activity.Current?.Context ?? default;

    /// <summary>Its caller left before the writer took it: it is dropped, nothing happened.</summary>
    public bool IsAbandoned => cancellation.IsCancellationRequested;

    protected CancellationToken Cancellation => cancellation;

    public abstract void Decide(LedgerBatch batch);

    /// <summary>Gives the caller what <see cref="Decide"/> found; after the commit.</summary>
    public abstract void Answer();

    public abstract void Refuse(Failure failure);

    public abstract void Fault(Exception exception);

    public abstract void Drop();
}

/// <inheritdoc/>
internal sealed class LedgerCommand<T>(
    CommandScope scope, Func<LedgerState, DateTimeOffset, Decision<T>> rule, LedgerTelemetry telemetry, CancellationToken cancellation)
    : LedgerCommand(scope, cancellation)
{
    // Callers continue elsewhere: the writer's loop never runs their code.
    private readonly TaskCompletionSource<Result<T>> _caller = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _asked = Stopwatch.GetTimestamp();
    private Result<T> _answer;

    public Task<Result<T>> Task => _caller.Task;

    public override void Decide(LedgerBatch batch)
    {
        var decision = rule(batch.StateFor(Scope), batch.Now);
        batch.Apply(Scope, decision.State, decision.Entries);
        _answer = decision.Answer;
    }

    public override void Answer()
    {
        telemetry.Answered(Scope.Kind, _answer.Failure?.Code ?? "ok", Stopwatch.GetElapsedTime(_asked));
        _caller.TrySetResult(_answer);
    }

    public override void Refuse(Failure failure)
    {
        _answer = failure;
        Answer();
    }

    public override void Fault(Exception exception)
    {
        telemetry.Answered(Scope.Kind, "fault", Stopwatch.GetElapsedTime(_asked));
        _caller.TrySetException(exception);
    }

    public override void Drop() => _caller.TrySetCanceled(Cancellation);
}
