using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Llm.Bodies;
using SaasLlm.Core.Llm.Formats;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Llm.Limits;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.Llm.Responses;
using SaasLlm.Core.Llm.Streaming;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>Checks a call before any money is spent, and starts it.</summary>
internal sealed class LlmCaller(
    IModelGroupResolver groups,
    GroupPricer prices,
    ModelChooser models,
    ResponseIds ids,
    CallRunner runner,
    ICallLimiter limiter,
    ICallRecorder recorder,
    RunningCalls running,
    IOptions<GatewayOptions> options,
    TimeProvider time) : ILlmCaller
{
    public async Task<Result<LlmAnswer>> CallAsync(LlmCall call, CancellationToken cancellation)
    {
        try
        {
            var plan = await PlanAsync(call, cancellation);
            return plan.Failure is { } failure
                ? failure
                : await running.Start(() => RunAsync(plan.Value)).WaitAsync(cancellation);
        }
        catch (Exception exception) when (StoreErrors.IsUnavailable(exception) && !cancellation.IsCancellationRequested)
        {
            return StoreErrors.Unavailable;
        }
    }

    public async Task<Result<LlmStream>> StreamAsync(LlmCall call, TimeSpan patience, CancellationToken cancellation)
    {
        try
        {
            var plan = await PlanAsync(call, cancellation);
            if (plan.Failure is { } failure)
            {
                return failure;
            }

            var stream = new LlmStream(plan.Value.CallId, call.JobId) { Recording = plan.Value.Recording };
            stream.End = running.Start(() => RunAsync(plan.Value with { Stream = stream }));
            Task first = Task.WhenAny(stream.Begun, stream.End);
            await first.WaitAsync(patience, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellation.IsCancellationRequested)
            {
                stream.Leave();
            }

            return !stream.Begun.IsCompleted && stream.End.IsCompleted && (await stream.End).Failure is { } refused ? refused : stream;
        }
        catch (Exception exception) when (StoreErrors.IsUnavailable(exception) && !cancellation.IsCancellationRequested)
        {
            return StoreErrors.Unavailable;
        }
    }

    // The one place that every call passes: billed first, kept then, and answered.
    private Task<Result<LlmAnswer>> RunAsync(CallPlan plan)
        => plan.Recording is { } recording ? recording.FollowAsync(runner.RunAsync(plan), plan.Clock) : runner.RunAsync(plan);

    private async Task<Result<CallPlan>> PlanAsync(LlmCall call, CancellationToken cancellation)
    {
        var clock = call.Clock ?? new CallClock(time);
        if (!(await groups.ResolveAsync(call.TeamId, call.ModelGroup, cancellation)).TryGet(out var group, out var noGroup))
        {
            return noGroup;
        }

        if (group.Kind != CallFormat.GroupKindOf(call.Route))
        {
            return CallFailures.WrongKind(group.Kind);
        }

        // The caller may leave, and its request's memory with it.
        if (!OutgoingBody.Read(call.Body.Clone(), group.Settings, call.Route, call.TeamId, ids).TryGet(out var body, out var wrong))
        {
            return wrong;
        }

        var version = await prices.NewestAsync(group, cancellation);
        if (!(await models.ChooseAsync(group, body.Format.OnlyModel, call.TeamId, version, cancellation)).TryGet(out var chosen, out var none))
        {
            return none;
        }

        // A job that opens with the call keeps the version that the call was priced by.
        var priced = call.NewJob is { } job ? call with { NewJob = job with { PriceVersion = version } } : call;
        var callId = CallId.New(time);
        clock.CallId = callId;
        var plan = new CallPlan(priced, callId, group.GroupName, group.Settings, body, options.Value.MaxOutputTokens, chosen.Priced, chosen.GatewayKey)
        {
            Clock = clock,
            Deadline = group.Settings.Deadline ?? options.Value.CallTimeout,
            AttemptTimeout = group.Settings.Timeout ?? options.Value.AttemptTimeout,
            GroupModels = chosen.All,
            PriceVersion = version,
            Recording = await recorder.BeginAsync(call, callId, group.GroupName, cancellation),
        };
        // Last, so that what is refused for another reason counts for nothing; the runner ends it.
        return (await limiter.AdmitAsync(call, plan.CallId, plan.Size(), plan.Deadline, cancellation)).Map(admission => plan with { Admission = admission });
    }
}
