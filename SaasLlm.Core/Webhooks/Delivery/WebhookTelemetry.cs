using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace SaasLlm.Core.Webhooks.Delivery;

/// <summary>The traces and metrics of deliveries: the names are an interface.</summary>
internal sealed class WebhookTelemetry
{
    public const string Name = "SaasLlm.Webhooks";

    public static readonly ActivitySource Source = new(Name);

    private readonly Counter<long> _tries;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _disabled;
    private double _oldestSeconds;

    public WebhookTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _tries = meter.CreateCounter<long>("saasllm.webhooks.tries", "{try}", "Tries of deliveries, by what became of the delivery and what was wrong.");
        _duration = meter.CreateHistogram<double>("saasllm.webhooks.try.duration", "s", "From the look-up of the name to the end of the answer.");
        _disabled = meter.CreateCounter<long>("saasllm.webhooks.disabled", "{webhook}", "Webhooks that were switched off.");
        meter.CreateObservableGauge("saasllm.webhooks.oldest_wait", () => Volatile.Read(ref _oldestSeconds), "s", "How long the delivery that waits longest has been due.");
    }

    public void Waits(TimeSpan oldest) => Volatile.Write(ref _oldestSeconds, oldest.TotalSeconds);

    public void Tried(FinishedTry found)
    {
        _tries.Add(1, new("saasllm.webhooks.state", found.State), new("saasllm.webhooks.error", found.Answer.Error ?? "none"));
        _duration.Record(found.Answer.Latency.TotalSeconds);
    }

    public void Disabled(string reason) => _disabled.Add(1, new KeyValuePair<string, object?>("saasllm.webhooks.reason", reason));

    /// <summary>Each try is a trace of its own: the event that it tells of may be hours old.</summary>
    public static Activity? StartTry(DueDelivery delivery)
        => Source.StartActivity("deliver webhook", ActivityKind.Client, default(ActivityContext), [new("saasllm.webhooks.topic", delivery.Topic)]);
}
