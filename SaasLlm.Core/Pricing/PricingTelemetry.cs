using System.Diagnostics.Metrics;

namespace SaasLlm.Core.Pricing;

/// <summary>Metrics of prices, for the operator: they name models.</summary>
public sealed class PricingTelemetry
{
    public const string Name = "SaasLlm.Pricing";

    // Ours is rounded up to ten places, the gateway's is a binary fraction.
    private const decimal Tolerance = 0.0000000001m;

    private readonly Counter<long> _comparisons;
    private readonly Histogram<double> _drift;
    private readonly Gauge<long> _waiting;

    public PricingTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _comparisons = meter.CreateCounter<long>(
            "saasllm.pricing.comparisons", "{answer}", "Answers whose cost the gateway told too, by model and whether the two agree.");
        _drift = meter.CreateHistogram<double>("saasllm.pricing.drift", "USD", "How far the gateway's cost of an answer is from ours, where they differ.");
        _waiting = meter.CreateGauge<long>("saasllm.pricing.waiting", "{price}", "Prices that changed at the gateway and were not taken.");
    }

    /// <summary>The gateway told its cost of an answer that has ours.</summary>
    public void Compared(string model, decimal ours, decimal gateways)
    {
        var difference = Math.Abs(ours - gateways);
        var agrees = difference <= Tolerance;
        var modelTag = new KeyValuePair<string, object?>("gen_ai.request.model", model);
        _comparisons.Add(1, modelTag, new("saasllm.pricing.agrees", agrees));
        if (!agrees)
        {
            _drift.Record((double)difference, modelTag);
        }
    }

    /// <summary>How many prices wait for the operator.</summary>
    public void PricesWaiting(int count) => _waiting.Record(count);
}
