using System.Diagnostics.Metrics;

namespace SaasLlm.Core.Llm.Limits;

/// <summary>Metrics of limits: the names are an interface.</summary>
internal sealed class LimitTelemetry
{
    private readonly Counter<long> _refused;
    private readonly Counter<long> _unchecked;

    public LimitTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(LlmTelemetry.Name);
        _refused = meter.CreateCounter<long>("saasllm.llm.limits.refusals", "{call}", "Calls refused by a limit, by limit and level.");
        _unchecked = meter.CreateCounter<long>("saasllm.llm.limits.unchecked", "{call}", "Calls let through unchecked: Redis did not answer.");
    }

    public void Refused(string limit, string level)
        => _refused.Add(1, new("saasllm.llm.limit", limit), new KeyValuePair<string, object?>("saasllm.llm.limit.level", level));

    public void Unchecked() => _unchecked.Add(1);
}
