using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Models;

/// <summary>A model as LiteLLM's configuration and price map would describe it.</summary>
/// <param name="Name">What callers ask for.</param>
/// <param name="Provider">What LiteLLM would ask its provider for, for example <c>openai/gpt-4o</c>.</param>
/// <param name="InputCost">US dollars a token; null is unpriced, zero is a price.</param>
/// <param name="OutputCost">US dollars a token.</param>
/// <param name="CacheReadCost">US dollars a token.</param>
/// <param name="FixedId">The deployment's id where the configuration gives one.</param>
/// <param name="More">Further fields of the price map, by LiteLLM's names.</param>
internal sealed record SimulatedModel(
    string Name,
    string Provider,
    string? Mode,
    decimal? InputCost,
    decimal? OutputCost,
    decimal? CacheReadCost = null,
    int? MaxInputTokens = null,
    int? MaxOutputTokens = null,
    string? FixedId = null,
    JsonObject? More = null)
{
    public string Id => FixedId ?? Ids.Hash(Name + Provider);

    public bool IsWildcard => Name.EndsWith("/*", StringComparison.Ordinal);

    public decimal CostOfInput(int tokens) => tokens * (InputCost ?? 0);

    public decimal CostOfOutput(int tokens) => tokens * (OutputCost ?? 0);
}
