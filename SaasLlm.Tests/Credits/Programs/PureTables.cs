using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Rules;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Tests.Credits.Programs;

/// <summary>The ledger's tables in memory: read and written as its statements read and write, with the database's constraints.</summary>
internal sealed class PureTables(string team, DateTimeOffset start)
{
    private readonly SortedDictionary<Guid, LotState> _lots = [];
    private readonly Dictionary<LotKey, PostedTransaction> _grants = [];
    private readonly Dictionary<JobId, JobState> _jobs = [];
    private readonly Dictionary<AttemptId, (JobId Job, RunningAttempt Attempt)> _running = [];
    private readonly HashSet<AttemptId> _attempts = [];
    private readonly HashSet<CallId> _calls = [];
    private readonly List<PostedTransaction> _transactions = [];
    private readonly HashSet<Guid> _ids = [];
    private readonly HashSet<Guid> _messages = [];
    private readonly HashSet<string> _facts = [];
    private readonly SortedDictionary<string, int> _events = new(StringComparer.Ordinal);
    private AccountState _account = new(team, "org", false, 0, 0, 0, BudgetTerms.Default, null, 0, new(start.Year, start.Month, 1), 0, 0);

    /// <summary>With all its lots.</summary>
    public AccountState Account => _account with { Lots = [.. _lots.Values] };

    public Dictionary<JobId, JobState> Jobs => new(_jobs);

    public LedgerBatch Read(IReadOnlyList<CommandScope> scopes)
    {
        var batch = new LedgerBatch();
        batch.Add(_account);
        foreach (var lot in _lots.Values.Where(lot => lot.Remaining > 0))
        {
            batch.AddLot(team, lot);
        }

        foreach (var job in Known(scopes.Select(scope => scope.Job)))
        {
            batch.Add(job);
        }

        foreach (var (job, attempt) in _running.Values.Where(row => scopes.Any(scope => scope.NeedsRunning && scope.Job == row.Job)))
        {
            batch.AddRunning(team, job, attempt);
        }

        foreach (var call in scopes.Select(scope => scope.EndsCall).OfType<CallId>().Where(_calls.Contains).Distinct())
        {
            batch.AddRecordedCall(team, call);
        }

        foreach (var posted in _transactions.Where(posted => posted.Kind != "deduction" && scopes.Any(scope => scope.Posts == posted.TransactionId)))
        {
            batch.AddPosted(posted);
        }

        foreach (var key in scopes.Select(scope => scope.Grants).OfType<LotKey>().Where(_grants.ContainsKey).Distinct())
        {
            batch.AddGranted(key, _grants[key]);
        }

        foreach (var share in Known(scopes.Where(scope => scope.NeedsBurnedLots).Select(scope => scope.Job)).SelectMany(job => job.Lots))
        {
            batch.AddLot(team, _lots[share.LotId.Value]);
        }

        return batch;
    }

    public void Store(LedgerBatch work)
    {
        foreach (var opened in work.Entries.OfType<JobOpened>())
        {
            _jobs.Add(opened.Job.JobId, opened.Job);
        }

        foreach (var job in work.ChangedJobs)
        {
            _jobs[job.JobId] = job with { Running = [], MetadataPatch = null };
        }

        foreach (var account in work.ChangedAccounts)
        {
            _account = _account with
            {
                Allocated = account.Allocated,
                Used = account.Used,
                Held = account.Held,
                MonthUsed = account.MonthUsed,
                MonthStart = account.MonthStart,
                MonthUnchargedUsd = account.MonthUnchargedUsd,
                LastSequence = account.LastSequence,
                Version = account.Version,
            };
        }

        foreach (var configured in work.Entries.OfType<AccountConfigured>().Select(entry => entry.Account))
        {
            _account = _account with
            {
                Terms = configured.Terms,
                CreditLimit = configured.CreditLimit,
                LowThresholds = configured.LowThresholds,
                UnchargedThresholdUsd = configured.UnchargedThresholdUsd,
            };
        }

        foreach (var granted in work.Entries.OfType<LotGranted>())
        {
            _lots.Add(granted.Lot.LotId.Value, granted.Lot);
            _grants.Add(
                new(granted.Terms.Source, granted.Terms.Reference!),
                work.Entries.OfType<TransactionPosted>().Single(posted => posted.Transaction.TransactionId.Value == granted.Lot.LotId.Value).Transaction);
        }

        foreach (var (_, lot) in work.ChangedLots)
        {
            _lots[lot.LotId.Value] = _lots[lot.LotId.Value] with { Remaining = lot.Remaining, Reserved = lot.Reserved, ExpiresAt = lot.ExpiresAt };
        }

        work.Entries.ForEach(Store);
        Invariants.OfAccount(Account);
    }

    public string Picture(LedgerBatch work, JobId? of, DateTimeOffset now)
    {
        var account = work.StateFor(new("", team) { LocksAccount = true }).Account ?? _account;
        var job = of is { } id ? work.StateFor(new("", team) { Job = id }).Job ?? _jobs.GetValueOrDefault(id) : null;
        var posted = _transactions.Concat(work.Entries.OfType<TransactionPosted>().Select(entry => entry.Transaction)).ToList();
        var events = new SortedDictionary<string, int>(_events, StringComparer.Ordinal);
        foreach (var raised in work.Entries.OfType<EventRaised>())
        {
            events[raised.Topic] = events.GetValueOrDefault(raised.Topic) + 1;
        }

        var lots = account.Lots.Where(lot => lot.Remaining > 0).OrderBy(lot => lot.LotId.Value)
            .Select(lot => Pictures.Lot(lot.LotId.Value, lot.Remaining, lot.Reserved, lot.ExpiresAt));
        var uncharged = account.MonthStart.Month == now.Month && account.MonthStart.Year == now.Year ? account.MonthUnchargedUsd : 0;
        return Pictures.Of(
            account.Allocated, account.Used, account.Held, account.MonthUsedAt(now), uncharged, lots, posted.Count,
            posted.LastOrDefault()?.Kind, posted.LastOrDefault()?.Amount ?? 0, account.Remaining, events.Select(topic => (topic.Key, topic.Value)),
            job is null ? "none" : Pictures.Job(
                job.Status, job.HoldState, job.HoldAmount, job.SettledAmount, job.UncollectedCredits, job.RefundedAmount,
                job.Lots.Select(share => (share.LotId.Value, share.Credits)), job.StartedCalls, job.SuccessfulCalls, job.FailedCalls,
                job.InputTokens + job.OutputTokens, job.ClientCostUsd));
    }

    private IEnumerable<JobState> Known(IEnumerable<JobId?> jobs)
        => jobs.OfType<JobId>().Distinct().Where(_jobs.ContainsKey).Select(job => _jobs[job]);

    private void Store(LedgerEntry entry)
    {
        switch (entry)
        {
            case TransactionPosted posted:
                Invariants.OfTransaction(_transactions.LastOrDefault(), posted.Transaction);
                Assert.True(_ids.Add(posted.Transaction.Kind == "deduction" ? posted.Transaction.JobId!.Value.Value : posted.Transaction.TransactionId.Value));
                _transactions.Add(posted.Transaction);
                break;
            case AttemptStarted started:
                Assert.True(_attempts.Add(started.Attempt.AttemptId), "an attempt's row twice");
                _running.Add(started.Attempt.AttemptId, (started.JobId, new(
                    started.Attempt.AttemptId, started.CallId, started.DeadlineAt, started.Attempt.Estimate.Tokens, started.Attempt.Estimate.ProviderCostUsd)));
                break;
            case AttemptClosed closed:
                _running.Remove(closed.End.AttemptId);
                break;
            case CallRecorded call:
                Assert.True(_calls.Add(call.Call.CallId), "a call's row twice");
                break;
            case EventRaised raised:
                Assert.True(_messages.Add(raised.MessageId) && _facts.Add(raised.DedupeKey), $"an event twice: {raised.DedupeKey}");
                _events[raised.Topic] = _events.GetValueOrDefault(raised.Topic) + 1;
                break;
        }
    }
}
