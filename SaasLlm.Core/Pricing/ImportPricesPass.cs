using Microsoft.Extensions.Options;
using SaasLlm.Core.Background;

namespace SaasLlm.Core.Pricing;

/// <summary>Looks at the gateway's price list regularly, so that a new model has its price before anybody calls it.</summary>
public sealed class ImportPricesPass(GatewayPrices gateway, IOptions<PricingOptions> options) : IScheduledPass
{
    public TimeSpan Interval => options.Value.RefreshInterval;

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        if (gateway.IsAutomatic && !await gateway.TakeAsync())
        {
            throw new PassFailedException("The gateway's price list could not be read.");
        }

        return false;
    }
}
