using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Llm.Gateway;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>
/// Skips a model that keeps failing: after so many failures in a row it rests; then one call tries it, and a success closes the breaker.
/// Per process: replicas need not agree on it.
/// </summary>
public sealed class CircuitBreaker(IOptions<GatewayOptions> options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, State> _models = new(StringComparer.Ordinal);

    /// <summary>True if the model may be called now. After its rest one caller is let through, and the rest begins anew.</summary>
    public bool Allows(string model)
    {
        if (!_models.TryGetValue(model, out var state) || state.Failures < options.Value.BreakerFailures)
        {
            return true;
        }

        return time.GetElapsedTime(state.Since) >= options.Value.BreakerRest
            && _models.TryUpdate(model, state with { Since = time.GetTimestamp() }, state);
    }

    /// <summary>The model answered.</summary>
    public void Succeeded(string model) => _models.TryRemove(model, out _);

    /// <summary>The model failed. True if that opened the breaker.</summary>
    public bool Failed(string model)
    {
        var after = _models.AddOrUpdate(
            model,
            _ => new(1, time.GetTimestamp()),
            (_, state) => new(state.Failures + 1, time.GetTimestamp()));
        return after.Failures == options.Value.BreakerFailures;
    }

    private sealed record State(int Failures, long Since);
}
