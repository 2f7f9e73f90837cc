using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Background;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>
/// Moves plans on whose time has come: starts those that were set for later, ends jobs whose steps have run, and puts right what a process
/// left half done.
/// </summary>
internal sealed partial class PlansPass(
    DuePlans due, PlanStore plans, ILedger ledger, StepCipher cipher, IOptions<BackgroundJobOptions> options, ILogger<PlansPass> logger)
    : IBackgroundPass
{
    private const int BatchSizeMax = 64;

    // For a runner that lives to end its call itself.
    private static readonly TimeSpan s_ownersTime = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_soon = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(1);

    private int _looks;

    public TimeSpan Interval => options.Value.Poll;

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        var taken = await due.TakeAsync(BatchSizeMax, cancellation);
        await Task.WhenAll(taken.Select(plan => MoveOnAsync(plan, cancellation)));
        return taken.Count == BatchSizeMax;
    }

    /// <summary>Looks at once: a step ended, and its job may be through.</summary>
    public void Look()
    {
        if (Interlocked.Increment(ref _looks) == 1)
        {
            _ = Task.Run(LookAsync);
        }
    }

    // Again while somebody asked after it had begun.
    private async Task LookAsync()
    {
        int asked;
        do
        {
            asked = Volatile.Read(ref _looks);
            try
            {
                await RunAsync(CancellationToken.None);
            }
            catch (Exception exception)
            {
                // The loop of this pass comes to it.
                LogFailed(exception);
            }
        }
        while (Interlocked.CompareExchange(ref _looks, 0, asked) != asked);
    }

    private async Task MoveOnAsync(DuePlan plan, CancellationToken cancellation)
    {
        switch (plan.State)
        {
            case not PlanState.Planned when plan.HoldState is not "held":
            case PlanState.Planned when plan.HoldState is not (null or "held"):
                await plans.EndAsync(plan.TeamId, plan.JobId, cancellation);
                break;
            case PlanState.Planned when plan.HoldState is null:
                // Its submission failed, or its process died before the ledger knew of the job.
                await plans.ForgetAsync(plan.TeamId, plan.JobId, cancellation);
                break;
            case PlanState.Planned or PlanState.Scheduled:
                await plans.ActivateAsync(plan.TeamId, plan.JobId, cancellation);
                break;
            case PlanState.Finishing:
                await FinishAsync(plan, cancellation);
                break;
        }
    }

    private async Task FinishAsync(DuePlan plan, CancellationToken cancellation)
    {
        // What was carried over from another job is no success of this one.
        var isCompleted = plan.Continues ? plan.Succeeded > plan.Carried : plan.Failed == 0;
        if (isCompleted && !await EndCallsAsync(plan, cancellation))
        {
            await due.LookAgainAsync(plan, s_soon, cancellation);
            return;
        }

        Failpoint.Hit(FailpointName.PlanFinishing);
        var reason = isCompleted ? null : $"{plan.FailureCode}: {plan.FailureMessage}";
        // A call that still runs is one whose runner died: its step has ended without it, and its answer would be discarded.
        var closed = await ledger.CloseJobAsync(
            new(plan.TeamId, plan.JobId, isCompleted ? JobStatus.Completed : JobStatus.Failed, reason, null, IsPlanned: true), cancellation);
        Failpoint.Hit(FailpointName.PlanFinished);
        if (closed.Failure is null or { Code: "job.ended" or "job.expired" })
        {
            await plans.EndAsync(plan.TeamId, plan.JobId, cancellation);
            return;
        }

        LogWaits(plan.JobId, closed.Failure.Code);
        await due.LookAgainAsync(plan, closed.Failure.RetryAfter ?? s_again, cancellation);
    }

    // A runner died after it had saved a step and before its call was billed: the ledger is told in its place. Told twice, it counts once.
    // False: not all are billed yet, and the job may not end.
    private async Task<bool> EndCallsAsync(DuePlan plan, CancellationToken cancellation)
    {
        var unbilled = await due.UnbilledAsync(plan, s_ownersTime, cancellation);
        foreach (var (step, stored, isLate) in unbilled)
        {
            if (!isLate)
            {
                return false;
            }

            var end = JsonSerializer.Deserialize<EndCall>(cipher.Open(Sealed.CallEnd, step, stored))!;
            var ended = await ledger.EndCallAsync(end, cancellation);
            LogBilled(plan.JobId, step.Ordinal, ended.Failure?.Code);
            if (ended.Failure is { Kind: FailureKind.Unavailable })
            {
                return false;
            }
        }

        return true;
    }

    [LoggerMessage(4208, LogLevel.Warning, "Background plans could not be moved on; again in a moment")]
    private partial void LogFailed(Exception exception);

    [LoggerMessage(4209, LogLevel.Information, "The end of background job {JobId} waits: {Code}")]
    private partial void LogWaits(JobId jobId, string code);

    [LoggerMessage(4210, LogLevel.Warning, "The call of step {Ordinal} of job {JobId} was ended in place of its runner ({Code})")]
    private partial void LogBilled(JobId jobId, int ordinal, string? code);
}
