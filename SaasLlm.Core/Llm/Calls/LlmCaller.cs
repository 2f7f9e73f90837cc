using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Llm.Formats;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.Llm.Responses;
using SaasLlm.Core.Llm.Streaming;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>Checks a call before any money is spent, and starts it.</summary>
internal sealed partial class LlmCaller(
    IModelGroupResolver groups,
    PriceBook prices,
    ITeamGatewayKeys keys,
    ResponseIds ids,
    CallRunner runner,
    RunningCalls running,
    IOptions<GatewayOptions> options,
    LlmTelemetry telemetry,
    TimeProvider time,
    ILogger<LlmCaller> logger) : ILlmCaller
{
    public async Task<Result<LlmAnswer>> CallAsync(LlmCall call, CancellationToken cancellation)
    {
        try
        {
            var plan = await PlanAsync(call, cancellation);
            return plan.Failure is { } failure
                ? failure
                : await running.Start(() => runner.RunAsync(plan.Value)).WaitAsync(cancellation);
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

            var stream = new LlmStream(plan.Value.CallId, call.JobId);
            stream.End = running.Start(() => runner.RunAsync(plan.Value with { Stream = stream }));
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

    private async Task<Result<CallPlan>> PlanAsync(LlmCall call, CancellationToken cancellation)
    {
        if (!(await groups.ResolveAsync(call.TeamId, call.ModelGroup, cancellation)).TryGet(out var group, out var noGroup))
        {
            return noGroup;
        }

        if (group.Kind != CallFormat.GroupKindOf(call.Route))
        {
            return CallFailures.WrongKind(group.Kind);
        }

        // The caller may leave, and its request's memory with it.
        var permissions = GroupPermissions.Read(group.SettingsJson);
        if (!OutgoingBody.Read(call.Body.Clone(), permissions, call.Route, call.TeamId, ids).TryGet(out var body, out var wrong))
        {
            return wrong;
        }

        var models = await PricedAsync(group, permissions, body.Format.OnlyModel);
        if (models.Count == 0 && body.Format.OnlyModel is { } only && !group.Models.Contains(only))
        {
            return CallFailures.PreviousModelGone;
        }

        if (models.Count == 0)
        {
            return prices.IsKnown ? CallFailures.Unpriced : CallFailures.GatewayDown;
        }

        if (!(await keys.GetAsync(call.TeamId, cancellation)).TryGet(out var key, out var noKey))
        {
            return noKey;
        }

        return new CallPlan(call, CallId.New(time), group.GroupName, permissions, body,
            permissions.MaxOutputTokens ?? options.Value.MaxOutputTokens, models, key);
    }

    private async Task<List<PricedModel>> PricedAsync(ResolvedModelGroup group, GroupPermissions permissions, string? onlyModel)
    {
        var priced = new List<PricedModel>(group.Models.Count);
        // Two models put the same text at different places: a fallback would spoil an index without a word.
        var usable = group.Kind == "embedding" && !permissions.SameVectors ? group.Models.Take(1)
            : onlyModel is null ? group.Models
            : group.Models.Where(model => model == onlyModel);
        foreach (var model in usable)
        {
            if (await prices.FindAsync(model) is { } price)
            {
                priced.Add(new(model, price));
            }
            else if (prices.IsKnown)
            {
                telemetry.OperatorFault("unpriced");
                LogUnpriced(group.GroupName, model, options.Value.Kind);
            }
        }

        return priced;
    }

    [LoggerMessage(4101, LogLevel.Error, "Model {Model} of group {Group} has no price at the {Gateway} gateway nor in Pricing: it is skipped")]
    private partial void LogUnpriced(string group, string model, string gateway);
}
