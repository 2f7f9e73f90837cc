using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace SaasLlm.Core.Background;

/// <summary>Metrics and spans of background tasks.</summary>
public sealed class BackgroundTelemetry
{
    public const string Name = "SaasLlm.Background";

    internal static readonly ActivitySource Source = new(Name);

    private readonly Histogram<double> _duration;

    public BackgroundTelemetry(IMeterFactory meters)
        => _duration = meters.Create(Name).CreateHistogram<double>(
            "saasllm.background.duration", "s", "How long runs of background tasks took, by task and outcome.");

    /// <summary>A run is over.</summary>
    public void Ran(string task, string outcome, TimeSpan duration)
        => _duration.Record(duration.TotalSeconds, new("saasllm.background.task", task), new("saasllm.background.outcome", outcome));
}
