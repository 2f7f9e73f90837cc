using System.Diagnostics.Metrics;

namespace SaasLlm.Core.Usage;

/// <summary>Metrics of roll-ups.</summary>
public sealed class UsageTelemetry
{
    public const string Name = "SaasLlm.Usage";

    private readonly Counter<long> _hours;
    private readonly Counter<long> _corrections;

    public UsageTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _hours = meter.CreateCounter<long>("saasllm.usage.hours", "{hour}", "Hours that were rolled up.");
        _corrections = meter.CreateCounter<long>("saasllm.usage.corrections", "{hour}", "Closed hours whose roll-ups differed from the tables and were made anew.");
    }

    /// <summary>An hour is closed.</summary>
    public void Rolled() => _hours.Add(1);

    /// <summary>A closed hour was made anew.</summary>
    public void Corrected() => _corrections.Add(1);
}
