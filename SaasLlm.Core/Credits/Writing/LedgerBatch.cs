using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Redis;
using SaasLlm.Core.Credits.Rules;

namespace SaasLlm.Core.Credits.Writing;

/// <summary>
/// The rows of one transaction: as they were read under their locks, and as the batch's commands, one after the other, left them.
/// </summary>
internal sealed class LedgerBatch
{
    private readonly Dictionary<string, Row<AccountState>> _accounts = new(StringComparer.Ordinal);
    private readonly Dictionary<(string, JobId), Row<JobState>> _jobs = [];
    private readonly HashSet<(string, CallId)> _recordedCalls = [];
    private readonly Dictionary<(string, TransactionId), PostedTransaction> _posted = [];
    private readonly Dictionary<(string, LotKey), PostedTransaction> _granted = [];
    private readonly Dictionary<(string, LotId), LotState> _lotsAsStored = [];
    private readonly HashSet<string> _refusedTeams = new(StringComparer.Ordinal);
    private readonly HashSet<string> _teamsBeyondOpening = new(StringComparer.Ordinal);

    /// <summary>Postgres' clock, read after the locks were had.</summary>
    public DateTimeOffset Now { get; private set; }

    /// <summary>Postgres' id of the transaction (xid8).</summary>
    public string Transaction { get; private set; } = "";

    public List<LedgerEntry> Entries { get; } = [];

    /// <summary>Accounts that differ from what was read, one version on.</summary>
    public IReadOnlyList<AccountState> ChangedAccounts
        => [.. _accounts.Values.Where(row => row.Current != row.Read).Select(row => row.Current with { Version = row.Read!.Version + 1 })];

    /// <summary>Jobs that differ from what was read, or from how they were opened.</summary>
    public IReadOnlyList<JobState> ChangedJobs => [.. _jobs.Values.Where(row => Differs(row.Read, row.Current)).Select(row => row.Current)];

    /// <summary>Lots that differ from what was read, or from how they were granted.</summary>
    public IReadOnlyList<(string TeamId, LotState Lot)> ChangedLots
    {
        get
        {
            List<(string, LotState)> changed = [];
            foreach (var account in _accounts.Values.Where(row => !ReferenceEquals(row.Read.Lots, row.Current.Lots)).Select(row => row.Current))
            {
                changed.AddRange(account.Lots.Where(lot => _lotsAsStored[(account.TeamId, lot.LotId)] != lot).Select(lot => (account.TeamId, lot)));
            }

            return changed;
        }
    }

    public void Begin(DateTimeOffset now, string transaction) => (Now, Transaction) = (now, transaction);

    public void Add(AccountState account) => _accounts[account.TeamId] = new(account, account);

    /// <summary>Adds a lot to an account that was added before; more than once is once.</summary>
    public void AddLot(string teamId, LotState lot)
    {
        if (_lotsAsStored.TryAdd((teamId, lot.LotId), lot))
        {
            var account = _accounts[teamId].Read;
            Add(account with { Lots = LotRules.InBurnOrder([.. account.Lots, lot]) });
        }
    }

    public void Add(JobState job) => _jobs[(job.TeamId, job.JobId)] = new(job, job);

    public void AddRunning(string teamId, JobId jobId, RunningAttempt attempt)
    {
        var row = _jobs[(teamId, jobId)];
        Add(row.Current with { Running = [.. row.Current.Running, attempt] });
    }

    /// <summary>The command asks what runs of its job, and something may: a call that it does not end itself has begun and not ended.</summary>
    public bool MayRunOtherCalls(CommandScope scope)
    {
        if (!scope.NeedsRunning || scope.Job is not { } id || !_jobs.TryGetValue((scope.TeamId, id), out var row))
        {
            return false;
        }

        var own = scope.EndsCall is { } call && !_recordedCalls.Contains((scope.TeamId, call)) ? 1 : 0;
        return row.Read.StartedCalls - row.Read.SuccessfulCalls - row.Read.FailedCalls > own;
    }

    public void AddRecordedCall(string teamId, CallId call) => _recordedCalls.Add((teamId, call));

    public void AddPosted(PostedTransaction transaction) => _posted[(transaction.TeamId, transaction.TransactionId)] = transaction;

    public void AddGranted(LotKey key, PostedTransaction transaction) => _granted[(transaction.TeamId, key)] = transaction;

    public LedgerState StateFor(CommandScope scope) => new(
        scope.LocksAccount ? _accounts.GetValueOrDefault(scope.TeamId)?.Current : null,
        scope.Job is { } job ? _jobs.GetValueOrDefault((scope.TeamId, job))?.Current : null,
        scope.EndsCall is { } call && _recordedCalls.Contains((scope.TeamId, call)),
        Posted(scope));

    /// <summary>Takes a decision over, for the commands after it and for the commit.</summary>
    public void Apply(CommandScope scope, LedgerState state, IReadOnlyList<LedgerEntry> entries)
    {
        if (state.Account is { } account)
        {
            _accounts[account.TeamId] = _accounts[account.TeamId] with { Current = account };
            if (entries.Count == 0)
            {
                _refusedTeams.Add(account.TeamId);
            }

            if (Opened(entries) is null)
            {
                _teamsBeyondOpening.Add(account.TeamId);
            }
        }

        if (state.Job is { } job)
        {
            if (!_jobs.TryGetValue((job.TeamId, job.JobId), out var row))
            {
                entries = [.. entries.Select(entry => entry is JobOpened opened ? opened with { Job = AsInserted(opened.Job, job) } : entry)];
                row = new(Opened(entries) ?? job, job);
            }

            _jobs[(job.TeamId, job.JobId)] = row with { Current = job };
        }

        if (scope.EndsCall is { } call && state.CallIsRecorded)
        {
            AddRecordedCall(scope.TeamId, call);
        }

        if (state.Posted is { } posted)
        {
            AddPosted(posted);
        }

        foreach (var granted in entries.OfType<LotGranted>())
        {
            _lotsAsStored[(granted.TeamId, granted.Lot.LotId)] = granted.Lot;
            AddGranted(new(granted.Terms.Source, granted.Terms.Reference!), state.Posted!);
        }

        Entries.AddRange(entries);
    }

    // A new row carries the call that the same decision started: it need not be updated in the same breath.
    private static JobState AsInserted(JobState opened, JobState current) => current.IsOpen
        ? opened with
        {
            Status = current.Status,
            StartedCalls = current.StartedCalls,
            StartedAt = current.StartedAt,
            ModelGroupsUsed = current.ModelGroupsUsed,
            HoldAmount = current.HoldAmount,
            Lots = current.Lots,
        }
        : opened;

    private static JobState? Opened(IReadOnlyList<LedgerEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (entry is JobOpened opened)
            {
                return opened.Job;
            }
        }

        return null;
    }

    private PostedTransaction? Posted(CommandScope scope)
        => scope.Posts is { } id && _posted.TryGetValue((scope.TeamId, id), out var posted) ? posted
            : scope.Grants is { } key ? _granted.GetValueOrDefault((scope.TeamId, key))
            : null;

    /// <summary>What Redis is to be told after the commit. A refusal is news as well: Redis had let the job through.</summary>
    public IReadOnlyList<BalancePush> Pushes()
    {
        var jobs = _jobs.Values.Select(row => row.Current).Where(job => job.HoldAmount > 0).ToLookup(job => job.TeamId);
        var touched = _accounts.Values.Where(row => row.Current != row.Read || _refusedTeams.Contains(row.Current.TeamId));
        return [.. touched.Select(row => Push(row, jobs[row.Current.TeamId]) with { OnlyOpens = !_teamsBeyondOpening.Contains(row.Current.TeamId) })];
    }

    private static BalancePush Push(Row<AccountState> row, IEnumerable<JobState> jobs)
    {
        var account = row.Current;
        return new(
            account.TeamId, row.Read.Version, row.Read.Version + (row.Current != row.Read ? 1 : 0),
            account.Allocated, account.Used, account.Held, account.Terms.OpeningHold, !account.Terms.IsConsumption,
            [.. jobs.Where(job => job.IsOpen).Select(job => new HoldView(job.JobId, job.HoldAmount, job.DeadlineAt))],
            [.. jobs.Where(job => !job.IsOpen).Select(job => job.JobId)]);
    }

    // Which attempts run is not a column of the job.
    private static bool Differs(JobState read, JobState current)
        => !ReferenceEquals(read, current) && current with { Running = read.Running } != read;

    private sealed record Row<T>(T Read, T Current);
}
