using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Rules;
using SaasLlm.Core.Credits.Writing;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits.Programs;

/// <summary>
/// The decision core on tables in memory: what is queued is decided in one batch, as the writer does, and stored as its
/// statements would. One team.
/// </summary>
internal sealed class PureLedger(string team, DateTimeOffset start)
{
    private readonly List<(CommandScope Scope, Func<LedgerState, DateTimeOffset, object> Rule)> _queue = [];
    private LedgerBatch _batch = new();
    private int _ids;

    public PureTables Tables { get; } = new(team, start);

    /// <summary>Queues a command.</summary>
    public void Add(object command)
    {
        RowIds ids = new(Guid.Parse($"019a0000-0000-7000-9000-{++_ids:x12}"), Guid.Parse($"019a0000-0000-7000-a000-{_ids:x6}000000"));
        _queue.Add(command switch
        {
            OpenJob open => (Scope(open.JobId), (state, now) => OpenJobRule.Decide(state, open, now)),
            Single single => (Scope(single.Job.JobId) with { NeedsRunning = true }, (state, now) => SingleCallRules.Open(state, single.Job, single.Call, now)),
            EndSingle { Call: var end } => (Scope(end.JobId) with { EndsCall = end.CallId, NeedsRunning = true },
                (state, now) => SingleCallRules.End(state, end, ids, now)),
            StartCall call => (Scope(call.JobId) with { NeedsRunning = true }, (state, now) => CallRules.Start(state, call, now)),
            NextAttempt next => (new("", team) { Job = next.JobId }, (state, now) => CallRules.Next(state, next, now)),
            EndCall end => (Scope() with { Job = end.JobId, EndsCall = end.CallId }, (state, now) => CallRules.End(state, end, ids, now)),
            CloseJob close => (Scope(close.JobId) with { NeedsRunning = close.Status == JobStatus.Completed },
                (state, now) => CloseJobRule.Decide(state, close, ids, now)),
            AddCredits add => (Scope() with { Posts = add.TransactionId, Grants = add.Terms.Reference is { } name ? new(add.Terms.Source, name) : null },
                (state, now) => AddCreditsRule.Decide(state, add, ids, now)),
            RefundJob refund => (Scope(refund.JobId) with { Posts = refund.TransactionId, NeedsBurnedLots = true },
                (state, now) => CorrectionRules.Refund(state, refund, ids, now)),
            AdjustCredits adjust => (Scope() with { Posts = adjust.TransactionId }, (state, now) => CorrectionRules.Adjust(state, adjust, ids, now)),
            Expire => (Scope(), (state, now) => CorrectionRules.Expire(state, ids, now)),
            ConfigureAccount configure => (Scope(), (state, _) => ConfigureAccountRule.Decide(state, configure)),
            _ => throw new ArgumentException($"Unknown: {command}"),
        });
    }

    /// <summary>Decides what is queued, in one transaction; after each decision, <paramref name="decided"/> sees its answer.</summary>
    public void Commit(DateTimeOffset now, Action<int, Outcome> decided)
    {
        _batch = Tables.Read([.. _queue.Select(command => command.Scope)]);
        _batch.Begin(now, "1");
        for (var index = 0; index < _queue.Count; index++)
        {
            decided(index, Decide(_queue[index].Scope, _queue[index].Rule(_batch.StateFor(_queue[index].Scope), now)));
        }

        _queue.Clear();
        Tables.Store(_batch);
        _batch = new();
    }

    /// <summary>What the tables will hold when the batch under way is stored.</summary>
    public string Picture(JobId? job, DateTimeOffset now) => Tables.Picture(_batch, job, now);

    /// <summary>The account and its lots as the batch under way has them.</summary>
    public AccountState Account => _batch.StateFor(Scope()).Account!;

    public JobState? Job(JobId job) => _batch.StateFor(Scope(job)).Job;

    private CommandScope Scope(JobId? job = null) => new("", team) { LocksAccount = true, Job = job };

    private Outcome Decide(CommandScope scope, object decision) => decision switch
    {
        Decision<OpenedJob> open => Take(scope, open),
        Decision<StartedCall> call => Take(scope, call),
        Decision<Accepted> accepted => Take(scope, accepted),
        Decision<ClosedJob> closed => Take(scope, closed),
        Decision<PostedTransaction> posted => Take(scope, posted),
        Decision<decimal> expired => Take(scope, expired),
        _ => throw new ArgumentException($"Unknown: {decision}"),
    };

    private Outcome Take<T>(CommandScope scope, Decision<T> decision)
    {
        _batch.Apply(scope, decision.State, decision.Entries);
        return new(decision.Answer.Failure?.Code, decision.Answer.Failure is null ? decision.Answer.Value : null, decision.Entries);
    }
}

/// <summary>A decision's answer, and the rows that it adds.</summary>
internal sealed record Outcome(string? Code, object? Value, IReadOnlyList<LedgerEntry> Entries);
