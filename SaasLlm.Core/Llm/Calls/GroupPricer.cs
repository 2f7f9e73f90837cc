using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>Prices a group's models by a version of the book. One without a price is skipped, and the operator is told.</summary>
internal sealed partial class GroupPricer(IPriceBook prices, IOptions<GatewayOptions> options, LlmTelemetry telemetry, ILogger<GroupPricer> logger)
{
    public ValueTask<long> NewestAsync(CancellationToken cancellation) => prices.NewestAsync(cancellation);

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
