using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits.Programs;

/// <summary>The model's jobs.</summary>
internal sealed partial class Model
{
    private string? Open(OpenJob open)
    {
        if (_jobs.ContainsKey(open.JobId))
        {
            return null;
        }

        var price = _terms.Mode == BudgetMode.JobBased ? open.Price ?? _terms.CreditsPerJob : _terms.Increment;
        if (Refuse(price) is { } refused)
        {
            return refused;
        }

        _jobs.Add(open.JobId, new(_terms, price, open.MaxCalls, open.MaxCostUsd, Now + open.Lifetime) { Lots = Take(price) });
        return null;
    }

    private string? Close(CloseJob close)
    {
        var job = _jobs[close.JobId];
        if (!job.IsOpen)
        {
            return job.Status == close.Status ? null : Over(job);
        }

        var isLate = Now >= job.DeadlineAt;
        if (close.Status == JobStatus.Expired && !isLate)
        {
            return "job.not_expired";
        }

        if (close.Status == JobStatus.Completed && !isLate && job.Running.Values.Any(running => running.DeadlineAt > Now))
        {
            return "jobs.call_running";
        }

        var status = isLate ? JobStatus.Expired : close.Status;
        var due = status != JobStatus.Completed || (job.Started > 0 && job.Successful == 0) ? 0
            : !job.Terms.IsConsumption ? job.Price
            : job.Started == 0 ? 0
            : job.Due(job.Cost, job.Tokens);
        // What is still missing is taken as far as there is something, within the month's limit.
        var left = Math.Max(0, Math.Min(Remaining - Held, _limit is { } limit ? limit - MonthUsed - Held : decimal.MaxValue));
        job.Extend(Take(Math.Max(0, Math.Min(left, due - job.Hold))));
        var charged = Math.Min(due, job.Hold);
        job.End(status, due, charged);
        if (charged > 0)
        {
            Post(null, "deduction", -charged);
        }

        Count($"job.{status}");
        _ = due > charged ? Count("job.uncollected") : 0;
        Uncharge(status == JobStatus.Completed ? 0 : job.Cost);
        return status == close.Status ? null : "job.expired";
    }

    private string? Refund(RefundJob refund)
    {
        var job = _jobs[refund.JobId];
        if (_posted.ContainsKey(refund.TransactionId.Value))
        {
            return null;
        }

        var left = job.Settled - job.Refunded;
        var credits = refund.Credits ?? left;
        if (job.Settled == 0 || left == 0 || credits > left)
        {
            return job.Settled == 0 ? "credits.not_charged" : "credits.refund_exceeds_charge";
        }

        var shares = job.Newest(credits);
        ExpireLots(lot => shares.Any(share => share.Lot == lot));
        foreach (var (lot, part) in shares)
        {
            lot.Left += part;
            lot.ExpiresAt = lot.ExpiresAt <= Now ? Now.AddDays(30) : lot.ExpiresAt;
        }

        job.Refunded += credits;
        Post(refund.TransactionId.Value, "refund", credits);
        return null;
    }

    private void Uncharge(decimal cost)
    {
        var before = _uncharged.GetValueOrDefault(Month(Now));
        _uncharged[Month(Now)] = before + cost;
        _ = _unchargedUsd is { } threshold && before <= threshold && before + cost > threshold ? Count("team.uncharged_cost") : 0;
    }

    private string? Over(Job job) => job.IsOpen && Now < job.DeadlineAt ? null
        : job.IsOpen || job.Status == JobStatus.Expired ? "job.expired" : "job.ended";

    private sealed class Job(BudgetTerms terms, decimal price, int maxCalls, decimal? maxCostUsd, DateTimeOffset deadlineAt)
    {
        public BudgetTerms Terms => terms;

        public decimal Price { get; } = price;

        public int MaxCalls => maxCalls;

        public decimal? MaxCostUsd => maxCostUsd;

        public DateTimeOffset DeadlineAt => deadlineAt;

        public string Status { get; set; } = JobStatus.Pending;

        public bool IsOpen => Status is JobStatus.Pending or JobStatus.InProgress;

        /// <summary>Held while it is open, burned afterwards.</summary>
        public List<(Lot Lot, decimal Credits)> Lots { get; set; } = [];

        public decimal Hold { get; private set; } = price;

        public decimal Held => IsOpen ? Lots.Sum(part => part.Credits) : 0;

        public decimal Settled { get; private set; }

        public decimal Uncollected { get; private set; }

        public decimal Refunded { get; set; }

        public int Started { get; set; }

        public int Successful { get; set; }

        public int Failed { get; set; }

        public long Tokens { get; set; }

        public decimal Cost { get; set; }

        public Dictionary<CallId, (AttemptId Attempt, DateTimeOffset DeadlineAt, CallEstimate Estimate)> Running { get; } = [];

        public HashSet<CallId> Recorded { get; } = [];

        public decimal ClientCost(decimal provider)
        {
            var cost = provider * (100 + terms.MarkupPercent) / 100;
            return Math.Ceiling(cost * 10_000_000_000m) / 10_000_000_000m;
        }

        public decimal Due(decimal cost, long tokens)
        {
            var credits = terms.Mode == BudgetMode.ConsumptionUsd ? cost * terms.CreditsPerDollar : tokens * 1m / terms.TokensPerCredit;
            return Math.Max(terms.Increment, Math.Ceiling(credits / terms.Increment) * terms.Increment);
        }

        public void Extend(List<(Lot Lot, decimal Credits)> more)
        {
            foreach (var (lot, part) in more)
            {
                Hold += part;
                var index = Lots.FindIndex(known => known.Lot == lot);
                if (index < 0)
                {
                    Lots.Add((lot, part));
                }
                else
                {
                    Lots[index] = (lot, Lots[index].Credits + part);
                }
            }
        }

        public void End(string status, decimal due, decimal charged)
        {
            List<(Lot, decimal)> burned = [];
            var left = charged;
            foreach (var (lot, part) in Lots)
            {
                var burn = Math.Min(part, left);
                (left, lot.Left) = (left - burn, lot.Left - burn);
                if (burn > 0)
                {
                    burned.Add((lot, burn));
                }
            }

            (Status, Lots, Settled, Uncollected, Failed) = (status, burned, charged, due - charged, Started - Successful);
        }

        /// <summary>The parts that a refund gives back next: the last credit burned is the first to come back.</summary>
        public List<(Lot Lot, decimal Credits)> Newest(decimal credits)
        {
            List<(Lot, decimal)> shares = [];
            decimal to = Settled - Refunded, from = to - credits, at = 0;
            foreach (var (lot, part) in Lots)
            {
                var inside = Math.Min(at + part, to) - Math.Max(at, from);
                at += part;
                if (inside > 0)
                {
                    shares.Add((lot, inside));
                }
            }

            return shares;
        }

        public string Picture() => Pictures.Job(
            Status, Status switch { JobStatus.Completed => "settled", JobStatus.Expired => "expired", _ => IsOpen ? "held" : "released" },
            Hold, Settled, Uncollected, Refunded, Lots.Select(part => (part.Lot.Id, part.Credits)), Started, Successful, Failed, Tokens, Cost);
    }
}
