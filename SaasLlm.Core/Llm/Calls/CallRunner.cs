using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Failpoints;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Llm.Streaming;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>Walks a call's models until one works: every attempt is written before it is sent, and closed once.</summary>
internal sealed partial class CallRunner(
    ILedger ledger,
    CompletionClient client,
    StreamClient streams,
    ITeamGatewayKeys keys,
    CircuitBreaker breaker,
    GroupPricer prices,
    IOptions<GatewayOptions> options,
    LlmTelemetry telemetry,
    TimeProvider time,
    ILogger<CallRunner> logger)
{
    private static readonly TimeSpan s_storeRetryMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_storeRetryMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_shortestAttempt = TimeSpan.FromMilliseconds(50);

    public async Task<Result<LlmAnswer>> RunAsync(CallPlan plan)
    {
        // Set once the ledger let the call begin.
        CallProgress? begun = null;
        try
        {
            var (progress, intent, failure) = await BeginAsync(plan);
            if (JobsPrices.VersionIn(failure) is not { } version)
            {
                return failure is not null ? failure : await WalkAsync(plan, begun = progress, intent);
            }

            // The job opened before the newest prices, and keeps its own.
            if (!(await prices.PriceAsync(plan.GroupName, plan.GroupModels, version, CancellationToken.None)).TryGet(out var models, out var unpriced))
            {
                return unpriced;
            }

            plan = plan with { Models = models, PriceVersion = version };
            (progress, intent, failure) = await BeginAsync(plan);
            return failure is not null ? failure : await WalkAsync(plan, begun = progress, intent);
        }
        catch (Exception exception)
        {
            // Its caller may have left, so nobody else would say it. The open attempt is marked unknown after its deadline.
            LogBroken(exception, plan.CallId);
            throw;
        }
        finally
        {
            plan.Stream?.Complete();
            if (plan.Admission is { } admission)
            {
                // Before the answer: who calls again after it must find the place free.
                await (begun is not null ? admission.EndAsync(begun.TokensUsed) : admission.CancelAsync());
            }
        }
    }

    private async Task<(CallProgress Progress, AttemptIntent Intent, Failure? Failure)> BeginAsync(CallPlan plan)
    {
        var progress = new CallProgress(plan, breaker, time, options.Value.CallTimeout);
        var intent = progress.Next(progress.Current, options.Value.AttemptTimeout);
        var start = new StartCall(plan.Call.TeamId, plan.Call.JobId, plan.CallId, plan.GroupName, intent, plan.PriceVersion);
        var begun = plan.Call.NewJob is { } job
            ? await ledger.OpenJobWithCallAsync(job, start, CancellationToken.None)
            : await ledger.StartCallAsync(start, CancellationToken.None);
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
            var attempt = plan.Stream is { } stream
                ? await TryStreamAsync(plan, stream, progress, intent)
                : await TryAsync(plan, progress, intent);
            if (attempt.Meaning == AnswerMeaning.Worked)
            {
                return await SucceedAsync(plan, progress, attempt);
            }

            var (next, failure) = await AfterFailureAsync(plan, progress, attempt);
            if (next is null)
            {
                return await FailAsync(plan, progress, attempt.End, failure!);
            }

            if (progress.TimeLeft < s_shortestAttempt)
            {
                return await FailAsync(plan, progress, attempt.End, CallFailures.DeadlineExceeded);
            }

            intent = progress.Next(next, options.Value.AttemptTimeout);
            var step = await ledger.NextAttemptAsync(
                new(plan.Call.TeamId, plan.Call.JobId, plan.CallId, attempt.End, intent), CancellationToken.None);
            if (step.Failure is { } stopped)
            {
                // The job ended meanwhile: that step closed the attempt. Without a store nothing was closed, and EndCall repeats it.
                progress.NotBegun();
                return await FailAsync(plan, progress, stopped.Kind == FailureKind.Unavailable ? attempt.End : null, stopped);
            }
        }
    }

    private async Task<Attempt> TryAsync(CallPlan plan, CallProgress progress, AttemptIntent intent)
    {
        using var span = LlmTelemetry.StartAttempt(plan.Format.Operation, intent.ModelName, plan.GroupName, intent.Number);
        var startedAt = time.GetTimestamp();
        var body = plan.Body.For(intent.ModelName, plan.Call.JobId, progress.OutputCeiling, options.Value.IsLiteLlm);
        Failpoint.Hit(FailpointName.BeforeUpstream);
        var answer = await client.CompleteAsync(plan.Format.Path, body, progress.GatewayKey, progress.Within(intent.Timeout));
        Failpoint.Hit(FailpointName.AfterUpstream);
        var latency = time.GetElapsedTime(startedAt);
        var meaning = AnswerClassifier.Classify(answer, options.Value.IsLiteLlm, plan.Format.HasResult);

        var root = Parse(answer);
        var usage = root is { } parsed ? plan.Format.Usage(parsed) : null;
        var response = meaning == AnswerMeaning.Worked ? Response(root!.Value, plan, progress, intent.ModelName, usage) : null;
        if (meaning == AnswerMeaning.Worked && response is null)
        {
            meaning = AnswerMeaning.ModelFailed;
        }

        var textBytes = usage is null && meaning == AnswerMeaning.Worked ? AnswerContent.TextBytes(root!.Value) : 0;
        var (cost, evidence) = CostOfAttempt.Of(new(answer, usage, meaning == AnswerMeaning.Worked, textBytes, plan.Body.PromptTokens, plan.OutputMax), progress.Current.Price);
        var end = new AttemptEnd(
            intent.AttemptId,
            meaning == AnswerMeaning.Worked ? "succeeded" : "failed",
            meaning.Name(),
            answer.Status == 0 ? null : answer.Status,
            root is { } element ? AnswerContent.UpstreamId(element) : null,
            usage ?? default,
            cost,
            (int)Math.Min(latency.TotalMilliseconds, int.MaxValue),
            evidence,
            answer.CostUsd);
        progress.Ended(end, answer, meaning);
        telemetry.AttemptEnded(span, plan.GroupName, intent.ModelName, end, latency);
        return new(answer, meaning, end, response);
    }

    private async Task<Attempt> TryStreamAsync(CallPlan plan, LlmStream stream, CallProgress progress, AttemptIntent intent)
    {
        using var span = LlmTelemetry.StartAttempt(plan.Format.Operation, intent.ModelName, plan.GroupName, intent.Number);
        var startedAt = time.GetTimestamp();
        var body = plan.Body.For(intent.ModelName, plan.Call.JobId, progress.OutputCeiling, options.Value.IsLiteLlm, isStream: true);
        var reader = plan.Format.NewReader(new(plan.CallId, plan.GroupName, progress.StartedAt, intent.ModelName));
        var limits = new StreamLimits(intent.Timeout, options.Value.StreamGapMax, progress.TimeLeft, options.Value.DrainMax);
        Failpoint.Hit(FailpointName.BeforeUpstream);
        var (answer, meaning) = await streams.StreamAsync(plan.Format, body, progress.GatewayKey, reader, stream, limits);
        Failpoint.Hit(FailpointName.AfterUpstream);
        var latency = time.GetElapsedTime(startedAt);
        var (cost, evidence) = CostOfAttempt.Of(
            new(answer, reader.Usage, reader.HasContent, reader.TextBytes, plan.Body.PromptTokens, plan.OutputMax), progress.Current.Price);
        var end = new AttemptEnd(
            intent.AttemptId,
            meaning == AnswerMeaning.Worked ? "succeeded" : "failed",
            meaning.Name(),
            answer.Status == 0 ? null : answer.Status,
            reader.UpstreamId,
            reader.Usage ?? default,
            cost,
            (int)Math.Min(latency.TotalMilliseconds, int.MaxValue),
            evidence,
            reader.GatewayCostUsd ?? answer.CostUsd);
        progress.Ended(end, answer, meaning);
        telemetry.AttemptEnded(span, plan.GroupName, intent.ModelName, end, latency);
        return new(answer, meaning, end, reader.Last, HasBegun: reader.HasContent);
    }

    // Null: it holds text that nobody can write again, such as half a surrogate pair.
    private static JsonElement? Response(JsonElement root, CallPlan plan, CallProgress progress, string model, TokenUsage? usage)
    {
        try
        {
            return plan.Format.Write(root, new(plan.CallId, plan.GroupName, progress.StartedAt, model), usage);
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The model to try next, or why there is none.</summary>
    private async Task<(PricedModel? Next, Failure? Failure)> AfterFailureAsync(CallPlan plan, CallProgress progress, Attempt attempt)
    {
        var model = progress.Current.Name;
        // That nobody waited for the rest says nothing of the model.
        var wasLeft = attempt.HasBegun && plan.Stream is { HasLeft: true };
        if (!wasLeft && attempt.Meaning.CountsAgainstModel() && breaker.Failed(model))
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
                return await RepeatWithNewKeyAsync(plan, progress) ? (progress.Current, null) : (null, CallFailures.GatewayRefused);
            case AnswerMeaning.GatewayDown:
                return (null, CallFailures.GatewayDown);
            case AnswerMeaning.RequestRejected:
                return (null, CallFailures.Rejected(attempt.Answer, plan.Models.Select(known => known.Name)));
            case AnswerMeaning.ContentPolicy when !plan.Permissions.ContentPolicyTriesNext:
                return (null, CallFailures.ContentPolicy);
        }

        if (progress.TimeLeft < s_shortestAttempt)
        {
            return (null, CallFailures.DeadlineExceeded);
        }

        return progress.ModelAfterCurrent() is { } next ? (next, null) : (null, CallFailures.AllFailed(progress.Failures));
    }

    private async Task<bool> RepeatWithNewKeyAsync(CallPlan plan, CallProgress progress)
    {
        if (progress.KeyWasReplaced || !await keys.ReplaceAsync(plan.Call.TeamId, progress.GatewayKey, CancellationToken.None))
        {
            return false;
        }

        return (await keys.GetAsync(plan.Call.TeamId, CancellationToken.None)).TryGet(out var key, out _) && progress.ReplaceKey(key);
    }

    private async Task<Result<LlmAnswer>> SucceedAsync(CallPlan plan, CallProgress progress, Attempt attempt)
    {
        breaker.Succeeded(progress.Current.Name);
        var clientCost = attempt.End.ProviderCostUsd is { } cost ? Money.ClientCost(cost, progress.MarkupPercent) : (decimal?)null;
        var saved = await EndAsync(plan, progress, attempt.End, progress.Current.Name, null, clientCost);
        return saved.TryGet(out var job, out var failure)
            ? new LlmAnswer(plan.CallId, attempt.Response!.Value, attempt.End.Usage, progress.LatencyMs, plan.GroupName, job)
            : failure;
    }

    private async Task<Result<LlmAnswer>> FailAsync(CallPlan plan, CallProgress progress, AttemptEnd? ended, Failure failure)
    {
        var saved = await EndAsync(plan, progress, ended, null, failure.Code, null);
        return saved.Failure ?? failure;
    }

    // With the answer in hand and Postgres gone, saving is repeated until the call's deadline; then the attempt stays open and is marked unknown.
    private async Task<Result<ClosedJob?>> EndAsync(
        CallPlan plan, CallProgress progress, AttemptEnd? ended, string? resolvedModel, string? errorCode, decimal? clientCost)
    {
        var command = new EndCall(
            plan.Call.TeamId, plan.Call.JobId, plan.CallId, plan.GroupName, plan.Call.Purpose, ended, progress.Attempts, resolvedModel, errorCode,
            resolvedModel is null ? default : ended!.Usage, progress.ProviderCostUsd(resolvedModel is null ? null : ended), clientCost, progress.LatencyMs, progress.StartedAt,
            progress.Evidence(resolvedModel is null ? null : ended), resolvedModel is null ? null : ended!.GatewayCostUsd);
        var wait = s_storeRetryMin;
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
            wait = wait * 2 < s_storeRetryMax ? wait * 2 : s_storeRetryMax;
        }
    }

    private static JsonElement? Parse(GatewayAnswer answer)
    {
        try
        {
            return answer.Body.IsEmpty ? null : JsonElement.Parse(answer.Body.Span);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(4102, LogLevel.Warning, "Model {Model} keeps failing and is skipped for a while")]
    private partial void LogBreakerOpened(string model);

    [LoggerMessage(4103, LogLevel.Error, "Model {Model} needs the operator: {Meaning} (HTTP {Status})")]
    private partial void LogOperatorFault(string model, AnswerMeaning meaning, int status);

    [LoggerMessage(4105, LogLevel.Critical, "Call {CallId} broke off")]
    private partial void LogBroken(Exception exception, CallId callId);

    [LoggerMessage(4104, LogLevel.Warning, "The end of call {CallId} is not saved yet: Postgres is not available; again in {Wait}")]
    private partial void LogNotSaved(CallId callId, TimeSpan wait);

    private sealed record Attempt(GatewayAnswer Answer, AnswerMeaning Meaning, AttemptEnd End, JsonElement? Response, bool HasBegun = false);
}
