using System.Globalization;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.Tests.Credits.Programs;

/// <summary>
/// What the ledger should do, said a second time and otherwise: nothing is kept that can be summed up from grants and jobs.
/// </summary>
internal sealed partial class Model(DateTimeOffset start)
{
    private readonly List<Lot> _lots = [];
    private readonly Dictionary<JobId, Job> _jobs = [];
    private readonly Dictionary<(string, string), (Guid Id, decimal Credits)> _grants = [];
    private readonly Dictionary<Guid, decimal> _posted = [];
    private readonly List<(string Kind, decimal Amount, DateTimeOffset At)> _transactions = [];
    private readonly SortedDictionary<string, int> _events = new(StringComparer.Ordinal);
    private readonly Dictionary<(int, int), decimal> _uncharged = [];
    private BudgetTerms _terms = BudgetTerms.Default;
    private decimal? _limit;
    private IReadOnlyList<decimal> _lowCredits = [];
    private decimal? _unchargedUsd;

    public DateTimeOffset Now { get; private set; } = start;

    public IReadOnlyList<JobId> JobIds => [.. _jobs.Keys];

    public IReadOnlyList<JobId> OpenJobs => [.. _jobs.Where(job => job.Value.IsOpen).Select(job => job.Key)];

    public IReadOnlyList<JobId> ChargedJobs => [.. _jobs.Where(job => job.Value.Settled > 0).Select(job => job.Key)];

    public IReadOnlyList<(JobId, CallId, AttemptId)> RunningCalls
        => [.. _jobs.SelectMany(job => job.Value.Running.Select(call => (job.Key, call.Key, call.Value.Attempt)))];

    private decimal Remaining => _lots.Sum(lot => lot.Left);

    private decimal Held => _jobs.Values.Sum(job => job.Held);

    private decimal MonthUsed => -_transactions.Where(posted => posted.Kind is "deduction" or "refund" && Month(posted.At) == Month(Now)).Sum(posted => posted.Amount);

    /// <summary>Does the command; the answer is the code of its refusal, or null.</summary>
    public string? Apply(object command)
    {
        var before = Remaining;
        var code = command switch
        {
            Wait wait => Do(() => Now += wait.Time),
            AddCredits add => Add(add.TransactionId.Value, add.Credits, add.Terms),
            AdjustCredits { Credits: > 0 } adjust => Add(adjust.TransactionId.Value, adjust.Credits, new(LotSource.Adjustment)),
            AdjustCredits adjust => Adjust(adjust),
            OpenJob open => Open(open),
            Single single => Single(single.Job, single.Call),
            EndSingle single => EndSingle(single.Call),
            StartCall call => Start(call),
            NextAttempt next => Next(next),
            EndCall end => End(end),
            CloseJob close => Close(close),
            RefundJob refund => Refund(refund),
            Expire => Do(() => ExpireLots(_ => true)),
            ConfigureAccount configure => Do(() => Configure(configure)),
            _ => throw new ArgumentException($"Unknown: {command}"),
        };
        Cross(before);
        return code;
    }

    /// <summary>Everything that can be seen from outside, and one job.</summary>
    public string Picture(JobId? of)
    {
        var last = _transactions.LastOrDefault();
        var granted = _transactions.Where(posted => posted.Kind is not ("deduction" or "refund")).Sum(posted => posted.Amount);
        var lots = _lots.Where(lot => lot.Left > 0).OrderBy(lot => lot.Id).Select(lot => Pictures.Lot(lot.Id, lot.Left, lot.Left - Free(lot), lot.ExpiresAt));
        return Pictures.Of(
            granted, granted - Remaining, Held, MonthUsed, _uncharged.GetValueOrDefault(Month(Now)), lots,
            _transactions.Count, last.Kind, last.Amount, Remaining, _events.Select(topic => (topic.Key, topic.Value)),
            of is { } id && _jobs.TryGetValue(id, out var job) ? job.Picture() : "none");
    }

    private static string? Do(Action action)
    {
        action();
        return null;
    }

    private string? Add(Guid id, decimal credits, LotTerms terms)
    {
        var known = _posted.TryGetValue(id, out var amount) ? amount
            : _grants.TryGetValue((terms.Source, terms.Reference ?? ""), out var grant) ? grant.Credits : (decimal?)null;
        if (known is not null)
        {
            return known == credits ? null : "credits.reference_used";
        }

        if (terms.ExpiresAt <= Now)
        {
            return "credits.already_expired";
        }

        _lots.Add(new(id, terms.Priority, terms.ExpiresAt, Now, credits));
        if (terms.Reference is { } reference)
        {
            _grants.Add((terms.Source, reference), (id, credits));
        }

        Post(id, LotSource.TransactionKind(terms.Source), credits);
        Count("credits.added");

        return null;
    }

    private string? Adjust(AdjustCredits adjust)
    {
        if (_posted.ContainsKey(adjust.TransactionId.Value))
        {
            return null;
        }

        if (-adjust.Credits > Remaining - Held)
        {
            return "credits.held";
        }

        foreach (var (lot, part) in Take(-adjust.Credits))
        {
            lot.Left -= part;
        }

        Post(adjust.TransactionId.Value, "adjustment", adjust.Credits);
        return null;
    }

    private void Configure(ConfigureAccount configure)
    {
        _terms = configure.Terms?.Apply(_terms) ?? _terms;
        _limit = configure.Limit is { } limit ? limit.Credits : _limit;
        _lowCredits = configure.Thresholds?.LowCredits ?? _lowCredits;
        _unchargedUsd = configure.Thresholds?.UnchargedUsd is { } uncharged ? uncharged.Usd : _unchargedUsd;
    }

    private void ExpireLots(Func<Lot, bool> which)
    {
        var gone = 0m;
        foreach (var lot in _lots.Where(lot => lot.ExpiresAt <= Now && which(lot)))
        {
            var free = Free(lot);
            lot.Left -= free;
            gone += free;
        }

        if (gone > 0)
        {
            Post(null, "expiry", -gone);
        }
    }

    private string? Refuse(decimal needed)
        => needed > 0 && needed > Remaining - Held ? "credits.insufficient"
            : needed > 0 && _limit is { } limit && MonthUsed + Held + needed > limit ? "credits.limit"
            : null;

    private decimal Free(Lot lot) => lot.Left - _jobs.Values.Sum(job => job.IsOpen ? job.Lots.Where(part => part.Lot == lot).Sum(part => part.Credits) : 0);

    private List<(Lot Lot, decimal Credits)> Take(decimal credits)
    {
        List<(Lot, decimal)> taken = [];
        foreach (var lot in _lots.OrderBy(lot => (lot.Priority, lot.ExpiresAt ?? DateTimeOffset.MaxValue, lot.CreatedAt, lot.Id)))
        {
            var part = Math.Min(Free(lot), credits);
            credits -= part;
            if (part > 0)
            {
                taken.Add((lot, part));
            }
        }

        return credits == 0 ? taken : throw new InvalidOperationException("The model's own lots are short.");
    }

    private void Post(Guid? id, string kind, decimal amount)
    {
        _transactions.Add((kind, amount, Now));
        if (id is { } known)
        {
            _posted.Add(known, amount);
        }
    }

    private int Count(string topic) => _events[topic] = _events.GetValueOrDefault(topic) + 1;

    private void Cross(decimal before)
    {
        foreach (var level in _lowCredits)
        {
            _ = before > level && Remaining <= level ? Count("credits.low") : before <= level && Remaining > level ? Count("credits.recovered") : 0;
        }

        _ = before > 0 && Remaining == 0 ? Count("credits.exhausted") : 0;
    }

    private static (int, int) Month(DateTimeOffset at) => (at.UtcDateTime.Year, at.UtcDateTime.Month);

    private sealed class Lot(Guid id, int priority, DateTimeOffset? expiresAt, DateTimeOffset createdAt, decimal left)
    {
        public Guid Id { get; } = id;

        public int Priority { get; } = priority;

        public DateTimeOffset? ExpiresAt { get; set; } = expiresAt;

        public DateTimeOffset CreatedAt { get; } = createdAt;

        public decimal Left { get; set; } = left;
    }
}

/// <summary>One way to write down what the model, the rules and the tables each say.</summary>
internal static class Pictures
{
    public static string Of(
        decimal allocated, decimal used, decimal held, decimal month, decimal uncharged, IEnumerable<string> lots,
        long posted, string? kind, decimal amount, decimal after, IEnumerable<(string Topic, int Count)> events, string job)
        => string.Create(CultureInfo.InvariantCulture, $"""
            account {T(allocated)} - {T(used)}, held {T(held)}, month {T(month)}, uncharged {T(uncharged)}
            lots    {string.Join("; ", lots)}
            posted  {posted}: {kind} {T(amount)} -> {T(after)}
            events  {string.Join(", ", events.Select(e => $"{e.Topic} {e.Count}"))}
            job     {job}
            """);

    public static string Lot(Guid id, decimal left, decimal reserved, DateTimeOffset? expiresAt)
        => string.Create(CultureInfo.InvariantCulture, $"{Tail(id)} {T(left)}/{T(reserved)} until {expiresAt?.ToUniversalTime():MM-dd HH:mm}");

    public static string Job(
        string status, string hold, decimal held, decimal settled, decimal uncollected, decimal refunded, IEnumerable<(Guid Lot, decimal Credits)> lots,
        int started, int successful, int failed, long tokens, decimal cost)
        => string.Create(CultureInfo.InvariantCulture,
            $"{status}/{hold} {T(held)} settled {T(settled)} uncollected {T(uncollected)} refunded {T(refunded)} of [{string.Join(", ", lots.Select(part => $"{Tail(part.Lot)} {T(part.Credits)}"))}] calls {started}={successful}+{failed} {tokens} tokens {T(cost)} USD");

    private static string T(decimal value) => Money.Trim(value).ToString(CultureInfo.InvariantCulture);

    private static string Tail(Guid id) => id.ToString()[24..].TrimStart('0');
}
