using System.Text.Json;
using SaasLlm.LiteLlmSimulator.Keys;

namespace SaasLlm.LiteLlmSimulator.Http;

/// <summary>Who calls: the master key, or a virtual key.</summary>
internal sealed record Caller(VirtualKey? Key)
{
    public static readonly Caller Master = new((VirtualKey?)null);

    public bool IsMaster => Key is null;
}

/// <summary>One request with its parsed body (undefined without one) and its authenticated caller.</summary>
internal sealed record Call(HttpContext Http, JsonElement Body, Caller Caller)
{
    public string? Query(string name) => Http.Request.Query.TryGetValue(name, out var value) ? value.ToString() : null;
}
