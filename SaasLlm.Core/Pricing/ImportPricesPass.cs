using Microsoft.Extensions.Options;
using SaasLlm.Core.Background;

namespace SaasLlm.Core.Pricing;

/// <summary>Looks at the gateway's price list regularly, so that a new model has its price before anybody calls it.</summary>
public sealed class ImportPricesPass(GatewayPrices gateway, IOptions<PricingOptions> options) : IBackgroundPass
{
    public TimeSpan Interval => options.Value.RefreshInterval;

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        if (gateway.IsAutomatic)
        {
            await gateway.TakeAsync();
        }

        return false;
    }
}
