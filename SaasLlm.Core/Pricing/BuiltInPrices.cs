namespace SaasLlm.Core.Pricing;

/// <summary>
/// The list prices of well-known models, for gateways that tell none: as LiteLLM's price map has them. Every other source wins over it. Models
/// whose price depends on the length of the prompt are not here, for the book has one price a token.
/// </summary>
internal static class BuiltInPrices
{
    public const string Reason = "Built-in list: the price map of LiteLLM at 19a1f62, read on 2026-11-21.";

    public const string SourceUrl = "https://github.com/BerriAI/litellm/blob/19a1f629eb6fafde70968ef4815463eb08143aac/model_prices_and_context_window.json";

    public static IReadOnlyDictionary<string, ModelPrice?> All { get; } = new Dictionary<string, ModelPrice?>(StringComparer.Ordinal)
    {
        ["claude-opus-4-1"] = new(15, 75, 1.5m, 18.75m),
        ["gemini-2.5-flash-lite"] = new(0.1m, 0.4m, 0.025m),
        ["gpt-4"] = new(30, 60),
        ["gpt-4-turbo"] = new(10, 30),
        ["gpt-4.1"] = new(2, 8, 0.5m),
        ["gpt-4.1-mini"] = new(0.4m, 1.6m, 0.1m),
        ["gpt-4.1-nano"] = new(0.1m, 0.4m, 0.025m),
        ["gpt-4o"] = new(2.5m, 10, 1.25m),
        ["gpt-4o-mini"] = new(0.15m, 0.6m, 0.075m),
        ["gpt-5"] = new(1.25m, 10, 0.125m),
        ["gpt-5-mini"] = new(0.25m, 2, 0.025m),
        ["gpt-5-nano"] = new(0.05m, 0.4m, 0.005m),
        ["text-embedding-3-large"] = new(0.13m, 0),
        ["text-embedding-3-small"] = new(0.02m, 0),
        ["text-embedding-ada-002"] = new(0.1m, 0),
    };
}
