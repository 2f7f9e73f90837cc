using Microsoft.Extensions.Logging;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>The models that a call may try.</summary>
/// <param name="All">Priced or not.</param>
/// <param name="GatewayKey">The team's own; empty where none needs it.</param>
internal sealed record ChosenModels(IReadOnlyList<CallModel> All, List<PricedModel> Priced, string GatewayKey);

/// <summary>Says which models of its group a call may try now: those whose gateway is known, that have a price, and that there is a key for.</summary>
internal sealed partial class ModelChooser(
    GatewayTargets gateways, GroupPricer prices, ITeamGatewayKeys keys, LlmTelemetry telemetry, ILogger<ModelChooser> logger)
{
    /// <summary>
    /// 503 <c>llm.gateway_missing</c>, 503 <c>pricing.unpriced</c>, 503 <c>llm.key_pending</c> where none is left, 404 <c>response.not_found</c>
    /// where the only one that could answer is no longer in the group.
    /// </summary>
    /// <param name="onlyModel">The key of the one that can answer; null: any.</param>
    /// <param name="version">Of the price book.</param>
    public async ValueTask<Result<ChosenModels>> ChooseAsync(
        ResolvedModelGroup group, string? onlyModel, string teamId, long version, CancellationToken cancellation)
    {
        var usable = Reachable(group).Where(model => onlyModel is null || model.Key == onlyModel).ToList();
        if (usable.Count == 0)
        {
            return onlyModel is null ? CallFailures.GatewayMissing : CallFailures.PreviousModelGone;
        }

        if (!(await prices.PriceAsync(group.GroupName, usable, version, cancellation)).TryGet(out var priced, out var unpriced))
        {
            return unpriced;
        }

        if (priced.All(HasKey))
        {
            return new ChosenModels(usable, priced, "");
        }

        if ((await keys.GetAsync(teamId, cancellation)).TryGet(out var key, out var noKey))
        {
            return new ChosenModels(usable, priced, key);
        }

        // Until the team has its key, the models that need none stand in.
        return priced.Any(HasKey) ? new ChosenModels([.. usable.Where(model => model.Gateway.Key is not null)], [.. priced.Where(HasKey)], "") : noKey;
    }

    private static bool HasKey(PricedModel model) => model.Model.Gateway.Key is not null;

    // Two models put the same text at different places: a fallback would spoil an index without a word.
    private IEnumerable<CallModel> Reachable(ResolvedModelGroup group)
    {
        foreach (var model in group.Kind == "embedding" && !group.Settings.SameVectors ? group.Models.Take(1) : group.Models)
        {
            if (gateways.Find(model.Gateway) is { } gateway)
            {
                yield return new(model.Name, gateway);
            }
            else
            {
                telemetry.OperatorFault("unknown_gateway");
                LogUnknownGateway(group.GroupName, model.Name, model.Gateway);
            }
        }
    }

    [LoggerMessage(4107, LogLevel.Error, "Model {Model} of group {Group} names the gateway {Gateway}, which the configuration does not have: it is skipped")]
    private partial void LogUnknownGateway(string group, string model, string? gateway);
}
