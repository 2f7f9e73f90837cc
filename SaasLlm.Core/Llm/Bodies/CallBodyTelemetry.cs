using System.Diagnostics.Metrics;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>Metrics of kept bodies: the names are an interface.</summary>
internal sealed class CallBodyTelemetry
{
    private readonly Counter<long> _kept;
    private readonly Counter<long> _dropped;

    public CallBodyTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(LlmTelemetry.Name);
        _kept = meter.CreateCounter<long>("saasllm.llm.bodies.kept", "{call}", "Calls whose bodies were written.");
        _dropped = meter.CreateCounter<long>("saasllm.llm.bodies.dropped", "{call}", "Calls whose bodies were to be kept and are not, by reason.");
    }

    public void Kept(int calls) => _kept.Add(calls);

    public void Dropped(string reason, int calls) => _dropped.Add(calls, new KeyValuePair<string, object?>("saasllm.llm.reason", reason));
}

/// <summary>Why a body is dropped.</summary>
internal static class DropReason
{
    /// <summary>More waits to be written than may.</summary>
    public const string Full = "full";

    /// <summary>Postgres was gone for too long, or at the end of the process.</summary>
    public const string StoreGone = "store_gone";

    /// <summary>Postgres refused it, or it could not be put together: a fault of ours.</summary>
    public const string Broken = "broken";
}
