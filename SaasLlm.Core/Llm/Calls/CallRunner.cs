using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Llm.Gateway;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>Walks a call's models until one works: every attempt is written before it is sent, and closed once.</summary>
internal sealed partial class CallRunner(
    ILedger ledger,
    AttemptSender attempts,
    CallSaver saver,
    ITeamGatewayKeys keys,
    CircuitBreaker breaker,
    GroupPricer prices,
    LlmTelemetry telemetry,
    TimeProvider time,
    ILogger<CallRunner> logger)
{
    private static readonly TimeSpan s_shortestAttempt = TimeSpan.FromMilliseconds(50);

    public async Task<Result<LlmAnswer>> RunAsync(CallPlan plan)
    {
        using var span = LlmTelemetry.StartCall(plan);
        // Set once the ledger let the call begin.
        CallProgress? begun = null;
        var error = "exception";
        try
        {
            var result = await RunAsync(plan, progress => begun = progress);
            error = result.Failure?.Code;
            return result;
        }
        catch (Exception exception)
        {
            // Its caller may have left, so nobody else would say it. The open attempt is marked unknown after its deadline.
            LogBroken(exception, plan.CallId);
            throw;
        }
        finally
        {
            telemetry.CallEnded(span, plan, begun, error is null ? begun?.Answered : null, error);
            plan.Stream?.Complete();
            if (plan.Admission is { } admission)
            {
                // Before the answer: who calls again after it must find the place free.
                await (begun is not null ? admission.EndAsync(begun.TokensUsed) : admission.CancelAsync());
            }
        }
    }

    private async Task<Result<LlmAnswer>> RunAsync(CallPlan plan, Action<CallProgress> begins)
    {
        var (progress, intent, failure) = await BeginAsync(plan);
        if (JobsPrices.VersionIn(failure) is { } version)
        {
            // The job opened before the newest prices, and keeps its own.
            if (!(await prices.PriceAsync(plan.GroupName, plan.GroupModels, version, CancellationToken.None)).TryGet(out var models, out var unpriced))
            {
                return unpriced;
            }

            plan = plan with { Models = models, PriceVersion = version };
            (progress, intent, failure) = await BeginAsync(plan);
        }

        if (failure is not null)
        {
            return failure;
        }

        begins(progress);
        return await WalkAsync(plan, progress, intent);
    }

    private async Task<(CallProgress Progress, AttemptIntent Intent, Failure? Failure)> BeginAsync(CallPlan plan)
    {
        var progress = new CallProgress(plan, breaker, time);
        var intent = progress.Next(progress.Current);
        var start = new StartCall(
            plan.Call.TeamId, plan.Call.JobId, plan.CallId, plan.GroupName, intent, plan.PriceVersion, plan.Call.IsPlanned, plan.Lengths);
        var begun = plan.Call.NewJob is { } job
            ? await ledger.OpenJobWithCallAsync(job with { Reserved = plan.Admission?.TakePrice() }, start, CancellationToken.None)
            : await ledger.StartCallAsync(start, CancellationToken.None);
        if (begun.Failure is null or { Code: "store.outcome_unknown" })
        {
            plan.Clock.Began();
        }

        if (begun.TryGet(out var started, out var refused))
        {
            progress.Started(started);
        }

        return (progress, intent, refused);
    }

    private async Task<Result<LlmAnswer>> WalkAsync(CallPlan plan, CallProgress progress, AttemptIntent intent)
    {
        while (true)
        {
            var attempt = await attempts.SendAsync(plan, progress, intent);
            if (attempt.Meaning == AnswerMeaning.Worked)
            {
                breaker.Succeeded(progress.Current.Key);
                return await saver.SucceedAsync(plan, progress, attempt);
            }

            var (next, failure) = await AfterFailureAsync(plan, progress, attempt);
            if (next is null)
            {
                return await saver.FailAsync(plan, progress, attempt.End, failure!);
            }

            if (progress.TimeLeft < s_shortestAttempt)
            {
                return await saver.FailAsync(plan, progress, attempt.End, CallFailures.DeadlineExceeded);
            }

            intent = progress.Next(next);
            var step = await ledger.NextAttemptAsync(
                new(plan.Call.TeamId, plan.Call.JobId, plan.CallId, attempt.End, intent), CancellationToken.None);
            if (step.Failure is { } stopped)
            {
                // The job ended meanwhile: that step closed the attempt. Without a store nothing was closed, and EndCall repeats it.
                progress.NotBegun();
                // Where even that cannot be saved, the saver says so instead.
                return stopped.Kind == FailureKind.Unavailable
                    ? await saver.FailAsync(plan, progress, attempt.End, CallFailures.Interrupted)
                    : await saver.FailAsync(plan, progress, null, stopped);
            }
        }
    }

    /// <summary>The model to try next, or why there is none.</summary>
    private async Task<(PricedModel? Next, Failure? Failure)> AfterFailureAsync(CallPlan plan, CallProgress progress, Attempt attempt)
    {
        var model = progress.Current.Name;
        // That nobody waited for the rest says nothing of the model.
        var wasLeft = attempt.HasBegun && plan.Stream is { HasLeft: true };
        // The common gateway's fault is none of its models'; another gateway serves few.
        var countsAgainstModel = attempt.Meaning.CountsAgainstModel()
            || (attempt.Meaning == AnswerMeaning.GatewayDown && progress.Gateway.Name is not null);
        if (!wasLeft && countsAgainstModel && breaker.Failed(progress.Current.Key))
        {
            LogBreakerOpened(model);
        }

        if (attempt.Meaning.ConcernsOperator())
        {
            telemetry.OperatorFault(attempt.Meaning.Name());
            LogOperatorFault(model, attempt.Meaning, attempt.Answer.Status);
        }

        if (attempt.HasBegun)
        {
            return (null, CallFailures.StreamBroken);
        }

        switch (attempt.Meaning)
        {
            case AnswerMeaning.KeyRefused:
                return await RepeatWithNewKeyAsync(plan, progress) ? (progress.Current, null) : ElsewhereOr(progress, CallFailures.GatewayRefused);
            case AnswerMeaning.GatewayDown:
                return ElsewhereOr(progress, CallFailures.GatewayDown);
            case AnswerMeaning.RequestRejected:
                return (null, CallFailures.Rejected(attempt.Answer, plan.Models.Select(known => known.Name)));
            case AnswerMeaning.ContentPolicy when !plan.Settings.ContentPolicyTriesNext:
                return (null, CallFailures.ContentPolicy);
        }

        if (progress.TimeLeft < s_shortestAttempt)
        {
            return (null, CallFailures.DeadlineExceeded);
        }

        return progress.ModelAfterCurrent() is { } next ? (next, null) : (null, CallFailures.AllFailed(progress.Failures));
    }

    // What ails a gateway ails all its models; another gateway may have one.
    private static (PricedModel? Next, Failure? Failure) ElsewhereOr(CallProgress progress, Failure failure)
    {
        progress.CloseGateway();
        return progress.ModelAfterCurrent() is { } next ? (next, null) : (null, failure);
    }

    private async Task<bool> RepeatWithNewKeyAsync(CallPlan plan, CallProgress progress)
    {
        if (progress.KeyWasReplaced || !await keys.ReplaceAsync(plan.Call.TeamId, progress.GatewayKey, CancellationToken.None))
        {
            return false;
        }

        return (await keys.GetAsync(plan.Call.TeamId, CancellationToken.None)).TryGet(out var key, out _) && progress.ReplaceKey(key);
    }

    [LoggerMessage(4102, LogLevel.Warning, "Model {Model} keeps failing and is skipped for a while")]
    private partial void LogBreakerOpened(string model);

    [LoggerMessage(4103, LogLevel.Error, "Model {Model} needs the operator: {Meaning} (HTTP {Status})")]
    private partial void LogOperatorFault(string model, AnswerMeaning meaning, int status);

    [LoggerMessage(4105, LogLevel.Critical, "Call {CallId} broke off")]
    private partial void LogBroken(Exception exception, CallId callId);
}
