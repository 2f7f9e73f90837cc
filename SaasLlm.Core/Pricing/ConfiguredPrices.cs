using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Pricing;

/// <summary>
/// States the built-in prices and those of configuration in the book when a process starts, so that they are versions like all others. Of several processes the
/// one that started last is right; one without any prices says nothing. What configuration no longer names is taken back.
/// </summary>
public sealed partial class ConfiguredPrices(
    PriceWriter writer, IOptions<PricingOptions> options, TimeProvider time, ILogger<ConfiguredPrices> logger) : BackgroundService
{
    private static readonly TimeSpan s_startMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    /// <summary>The service answers with its own prices from the first request on, unless Postgres is not there.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        await ExecuteTask!.WaitAsync(s_startMax, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The version that was added; null when the book says the same already.</summary>
    /// <exception cref="Npgsql.NpgsqlException">Postgres did not answer.</exception>
    public async Task<long?> StateAsync(CancellationToken cancellation)
    {
        var configured = options.Value.Models
            .GroupBy(model => model.Name, StringComparer.Ordinal)
            .ToDictionary(model => model.Key, model => (ModelPrice?)model.Last().ToPrice(), StringComparer.Ordinal);
        return await writer.WriteAsync(PriceSource.Configuration, "The configuration of a process that started.", standing =>
        {
            var states = new Dictionary<string, ModelPrice?>(configured, StringComparer.Ordinal);
            foreach (var gone in standing.Keys.Where(model => !configured.ContainsKey(model)))
            {
                states.Add(gone, null);
            }

            return states;
        }, cancellation);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await writer.WriteAsync(PriceSource.BuiltIn, BuiltInPrices.Reason, _ => BuiltInPrices.All, stoppingToken, BuiltInPrices.SourceUrl);
                if (options.Value.Models.Count > 0 && await StateAsync(stoppingToken) is { } version)
                {
                    LogStated(version, options.Value.Models.Count);
                }

                return;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotStated(exception);
            }

            await Task.Delay(s_pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(5004, LogLevel.Information, "Version {Version} of the price book: configuration prices {Count} models")]
    private partial void LogStated(long version, int count);

    [LoggerMessage(5005, LogLevel.Warning, "The configured prices are not in the book yet; again in a second")]
    private partial void LogNotStated(Exception exception);
}
