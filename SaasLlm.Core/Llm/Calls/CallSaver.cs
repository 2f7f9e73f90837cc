using Microsoft.Extensions.Logging;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>
/// Ends a call in the ledger. With the answer in hand and Postgres gone, saving is repeated until the call's deadline; then it is a 503, the
/// attempt stays open and is marked unknown.
/// </summary>
internal sealed partial class CallSaver(ILedger ledger, TimeProvider time, ILogger<CallSaver> logger)
{
    private static readonly TimeSpan s_retryMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_retryMax = TimeSpan.FromSeconds(2);

    /// <summary>A model answered: the call's owner is given the answer first, then the call is billed.</summary>
    public async Task<Result<LlmAnswer>> SucceedAsync(CallPlan plan, CallProgress progress, Attempt attempt)
    {
        var clientCost = attempt.End.ProviderCostUsd is { } cost ? Money.ClientCost(cost, progress.MarkupPercent) : (decimal?)null;
        var answer = new LlmAnswer(plan.CallId, attempt.Response!.Value, attempt.End.Usage, progress.LatencyMs, plan.GroupName)
        {
            End = EndOf(plan, progress, attempt.End, progress.Current.Name, null, clientCost),
        };
        if (plan.Call.Answered is { } answered)
        {
            switch (await IsKeptAsync(answered, answer, progress))
            {
                case null:
                    // Recorded as failed, an answer that was kept would be free: whoever kept it ends the call, or its attempt runs out.
                    return CallFailures.AnswerUnknown;
                case false:
                    return await FailAsync(plan, progress, attempt.End, CallFailures.AnswerNotKept);
            }
        }

        var saved = await EndAsync(plan, progress, answer.End);
        return saved.TryGet(out var job, out var failure) ? answer with { LatencyMs = progress.LatencyMs, Job = job } : failure;
    }

    /// <summary>The call failed: it is not billed.</summary>
    /// <param name="ended">Its last attempt; null when that one was closed before.</param>
    public async Task<Result<LlmAnswer>> FailAsync(CallPlan plan, CallProgress progress, AttemptEnd? ended, Failure failure)
    {
        var saved = await EndAsync(plan, progress, EndOf(plan, progress, ended, null, failure.Code, null));
        return saved.Failure ?? failure;
    }

    // Null: nobody knows.
    private async Task<bool?> IsKeptAsync(Func<LlmAnswer, CancellationToken, Task<bool>> answered, LlmAnswer answer, CallProgress progress)
    {
        var wait = s_retryMin;
        while (true)
        {
            try
            {
                using var deadline = new CancellationTokenSource(progress.Within(TimeSpan.MaxValue), time);
                return await answered(answer, deadline.Token);
            }
            catch (Exception exception) when (StoreErrors.IsUnavailable(exception) && progress.TimeLeft >= wait)
            {
                LogNotSaved(answer.CallId, wait);
                await Task.Delay(wait, time);
                wait = Longer(wait);
            }
            catch (Exception exception) when (exception is OperationCanceledException || StoreErrors.IsUnavailable(exception))
            {
                LogNotKnown(exception, answer.CallId);
                return null;
            }
            catch (Exception exception)
            {
                // Whose answer is not kept is not billed for it.
                LogNotKept(exception, answer.CallId);
                return false;
            }
        }
    }

    private static EndCall EndOf(
        CallPlan plan, CallProgress progress, AttemptEnd? ended, string? resolvedModel, string? errorCode, decimal? clientCost)
    {
        var answered = resolvedModel is null ? null : ended;
        return new(
            plan.Call.TeamId, plan.Call.JobId, plan.CallId, plan.GroupName, plan.Call.Purpose, ended, progress.Attempts, resolvedModel, errorCode,
            answered?.Usage ?? default, progress.ProviderCostUsd(answered), clientCost, progress.LatencyMs, progress.StartedAt,
            progress.Evidence(answered), answered?.GatewayCostUsd);
    }

    private async Task<Result<ClosedJob?>> EndAsync(CallPlan plan, CallProgress progress, EndCall command)
    {
        // Its place is told free beside the commit, so that this costs no wait of its own; the runner sees that it was heard before the answer.
        _ = plan.Admission?.EndAsync(progress.TokensUsed);
        var wait = s_retryMin;
        while (true)
        {
            var result = plan.Call.NewJob is null
                ? (await ledger.EndCallAsync(command, CancellationToken.None)).Map<ClosedJob?>(_ => null)
                : (await ledger.EndCallAndJobAsync(command, CancellationToken.None)).Map<ClosedJob?>(job => job);
            if (result.Failure is not { Kind: FailureKind.Unavailable } || progress.TimeLeft < wait)
            {
                Failpoint.Hit(FailpointName.AfterSettle);
                return result;
            }

            LogNotSaved(plan.CallId, wait);
            await Task.Delay(wait, time);
            wait = Longer(wait);
        }
    }

    private static TimeSpan Longer(TimeSpan wait) => wait * 2 < s_retryMax ? wait * 2 : s_retryMax;

    [LoggerMessage(4104, LogLevel.Warning, "The end of call {CallId} is not saved yet: Postgres is not available; again in {Wait}")]
    private partial void LogNotSaved(CallId callId, TimeSpan wait);

    [LoggerMessage(4108, LogLevel.Error, "Whether the answer of call {CallId} was kept is not known; the call stays open")]
    private partial void LogNotKnown(Exception exception, CallId callId);

    [LoggerMessage(4106, LogLevel.Error, "The answer of call {CallId} could not be kept: the call failed and is not billed")]
    private partial void LogNotKept(Exception exception, CallId callId);
}
