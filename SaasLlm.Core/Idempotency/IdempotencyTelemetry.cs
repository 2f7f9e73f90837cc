using System.Diagnostics.Metrics;

namespace SaasLlm.Core.Idempotency;

/// <summary>The feature's instruments.</summary>
public sealed class IdempotencyTelemetry
{
    public const string Name = "SaasLlm.Idempotency";

    private readonly Counter<long> _requests;

    public IdempotencyTelemetry(IMeterFactory meters) => _requests = meters.Create(Name).CreateCounter<long>(
        "saasllm.idempotency.requests", "{request}", "Requests with an Idempotency-Key, by what became of them.");

    /// <param name="outcome"><c>first</c>, <c>repeat</c>, <c>replayed</c>, <c>key_reused</c>, <c>in_progress</c> or <c>outcome_unknown</c>.</param>
    public void Entered(string outcome) => _requests.Add(1, new KeyValuePair<string, object?>("saasllm.idempotency.outcome", outcome));
}
