using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>Prices a group's models by a version of the book. One without a price is skipped, and the operator is told.</summary>
internal sealed partial class GroupPricer(IPriceBook prices, IOptions<GatewayOptions> options, LlmTelemetry telemetry, ILogger<GroupPricer> logger)
{
    /// <summary>The version that a call to the group is priced by.</summary>
    public ValueTask<long> NewestAsync(ResolvedModelGroup group, CancellationToken cancellation)
        => prices.IsKnown ? prices.NewestAsync(cancellation) : prices.NewestAsync([.. group.Models.Select(model => model.Name)], cancellation);

    /// <summary>503 <c>pricing.unpriced</c> where no model has a price, 503 <c>llm.gateway_unavailable</c> where none may be known yet.</summary>
    /// <exception cref="Npgsql.NpgsqlException">Neither Redis nor Postgres answered.</exception>
    public async ValueTask<Result<List<PricedModel>>> PriceAsync(
        string group, IReadOnlyList<CallModel> models, long version, CancellationToken cancellation)
    {
        var priced = new List<PricedModel>(models.Count);
        foreach (var model in models)
        {
            if (await prices.FindAsync(model.Name, version, cancellation) is { } price)
            {
                priced.Add(new(model, price));
            }
            else if (prices.IsKnown)
            {
                telemetry.OperatorFault("unpriced");
                LogUnpriced(group, model.Name, model.Gateway.Name ?? options.Value.Kind);
            }
        }

        return priced.Count > 0 ? priced : prices.IsKnown ? CallFailures.Unpriced : CallFailures.GatewayDown;
    }

    [LoggerMessage(4101, LogLevel.Error, "Model {Model} of group {Group} has no price in the book (gateway: {Gateway}): it is skipped")]
    private partial void LogUnpriced(string group, string model, string gateway);
}
