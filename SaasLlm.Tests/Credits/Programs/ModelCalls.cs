using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits.Programs;

/// <summary>The model's calls.</summary>
internal sealed partial class Model
{
    private string? Start(StartCall call)
    {
        var job = _jobs[call.JobId];
        if (Over(job) is { } over)
        {
            return over;
        }

        if (job.Started == job.MaxCalls)
        {
            return "jobs.limit";
        }

        if (job.Terms.IsConsumption || job.MaxCostUsd is not null)
        {
            CallEstimate[] estimates = [call.Attempt.Estimate, .. job.Running.Values.Where(running => running.DeadlineAt > Now).Select(running => running.Estimate)];
            var cost = job.Cost + estimates.Sum(estimate => job.ClientCost(estimate.ProviderCostUsd));
            if (cost > job.MaxCostUsd)
            {
                return "jobs.limit";
            }

            var missing = job.Terms.IsConsumption ? job.Due(cost, job.Tokens + estimates.Sum(estimate => estimate.Tokens)) - job.Hold : 0;
            if (Refuse(missing) is { } refused)
            {
                return refused;
            }

            job.Extend(Take(Math.Max(0, missing)));
        }

        (job.Status, job.Started) = (JobStatus.InProgress, job.Started + 1);
        Run(job, call.CallId, call.Attempt);
        return null;
    }

    // Both or neither.
    private string? Single(OpenJob open, StartCall call)
    {
        if (_jobs.TryGetValue(open.JobId, out var known))
        {
            // Only the very command finds its call; a repeat of its request does not know what became of it.
            return Over(known) ?? (known.Running.ContainsKey(call.CallId) ? null : "idempotency.outcome_unknown");
        }

        var refused = Open(open) ?? Start(call);
        _ = refused is not null && _jobs.Remove(open.JobId);
        return refused;
    }

    private string? EndSingle(EndCall call)
    {
        End(call);
        return Close(new(call.TeamId, call.JobId, call.ErrorCode is null ? JobStatus.Completed : JobStatus.Failed, null, null));
    }

    private string? Next(NextAttempt next)
    {
        var job = _jobs[next.JobId];
        job.Running.Remove(next.CallId);
        if (Over(job) is { } over)
        {
            return over;
        }

        Run(job, next.CallId, next.Next);
        return null;
    }

    private string? End(EndCall end)
    {
        var job = _jobs[end.JobId];
        if (!job.Recorded.Add(end.CallId))
        {
            return null;
        }

        job.Running.Remove(end.CallId);
        if (Over(job) is { } over)
        {
            // The operator paid: it counts among what was not charged, unless the job itself was.
            Uncharge(job.Status == JobStatus.Completed ? 0 : end.ClientCostUsd ?? 0);
            return over;
        }

        (job.Successful, job.Failed) = end.ErrorCode is null ? (job.Successful + 1, job.Failed) : (job.Successful, job.Failed + 1);
        job.Tokens += end.Usage.Total;
        job.Cost += end.ClientCostUsd ?? 0;
        return null;
    }

    private void Run(Job job, CallId call, AttemptIntent attempt)
    {
        var until = Now + attempt.Timeout;
        job.Running[call] = (attempt.AttemptId, until < job.DeadlineAt ? until : job.DeadlineAt, attempt.Estimate);
    }
}
