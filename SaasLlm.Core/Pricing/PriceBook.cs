using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Llm.Gateway;

namespace SaasLlm.Core.Pricing;

/// <summary>
/// The price of each model: from configuration, else from the gateway's <c>/model/info</c>. The list is read at first use and each minute;
/// while the gateway is not there, the last one known is used.
/// </summary>
public sealed partial class PriceBook(
    GatewayAdmin gateway, IOptions<PricingOptions> options, IOptions<GatewayOptions> gatewayOptions, TimeProvider time, ILogger<PriceBook> logger)
{
    private static readonly TimeSpan s_readMax = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_retryAfterFailure = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, ModelPrice> _configured = options.Value.Models
        .GroupBy(model => model.Name, StringComparer.Ordinal)
        .ToDictionary(model => model.Key, model => model.Last().ToPrice(), StringComparer.Ordinal);

    private readonly Lock _gate = new();
    private Task _reading = Task.CompletedTask;
    private Listing _listing = new(new Dictionary<string, ModelPrice>(), null, TimeSpan.Zero, WasRead: false);

    /// <summary>The price of <paramref name="model"/>, or null when it has none.</summary>
    public async ValueTask<ModelPrice?> FindAsync(string model)
    {
        if (_configured.TryGetValue(model, out var configured))
        {
            return configured;
        }

        if (!gatewayOptions.Value.IsLiteLlm)
        {
            return null;
        }

        var listing = Volatile.Read(ref _listing);
        if (IsStale(listing))
        {
            var refresh = RefreshAsync();
            if (listing.Prices.Count == 0)
            {
                await refresh; // Nothing is known yet; later a known list serves meanwhile.
            }
        }

        return Volatile.Read(ref _listing).Find(model);
    }

    /// <summary>False while the gateway's list was never read: then a missing price says nothing about the model.</summary>
    public bool IsKnown => !gatewayOptions.Value.IsLiteLlm || Volatile.Read(ref _listing).WasRead;

    private Task RefreshAsync()
    {
        lock (_gate)
        {
            return _reading.IsCompleted && IsStale(_listing) ? _reading = ReadAsync() : _reading;
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(s_readMax, time);
            var prices = await gateway.ReadPricesAsync(limit.Token);
            Volatile.Write(ref _listing, new(prices, time.GetTimestamp(), options.Value.RefreshInterval, WasRead: true));
        }
        catch (Exception exception)
            when (exception is HttpRequestException or OperationCanceledException or JsonException or IOException or KeyNotFoundException or InvalidOperationException)
        {
            LogPricesUnread(exception);
            Volatile.Write(ref _listing, _listing with { ReadAt = time.GetTimestamp(), Lifetime = s_retryAfterFailure });
        }
    }

    private bool IsStale(Listing listing) => listing.ReadAt is not { } readAt || time.GetElapsedTime(readAt) > listing.Lifetime;

    [LoggerMessage(5001, LogLevel.Warning, "The gateway's price list could not be read; the last one known is used")]
    private partial void LogPricesUnread(Exception exception);

    private sealed record Listing(IReadOnlyDictionary<string, ModelPrice> Prices, long? ReadAt, TimeSpan Lifetime, bool WasRead)
    {
        // LiteLLM lists a wildcard under its pattern, for example "openai/*".
        public ModelPrice? Find(string model)
        {
            if (Prices.TryGetValue(model, out var price))
            {
                return price;
            }

            var slash = model.IndexOf('/', StringComparison.Ordinal);
            return slash > 0 ? Prices.GetValueOrDefault(string.Concat(model.AsSpan(0, slash), "/*")) : null;
        }
    }
}
