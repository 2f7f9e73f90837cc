namespace SaasLlm.Core.Pricing;

/// <summary>
/// The list prices of well-known models, for gateways that tell none: as LiteLLM 1.106.2 listed them when it was recorded. Every other source
/// wins over it. Only what was recorded stands here.
/// </summary>
internal static class BuiltInPrices
{
    public const string Reason = "Built-in list: the price map of LiteLLM 1.106.2, recorded on 2026-11-21.";

    public const string SourceUrl = "https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json";

    public static IReadOnlyDictionary<string, ModelPrice?> All { get; } = new Dictionary<string, ModelPrice?>(StringComparer.Ordinal)
    {
        ["gpt-4o-mini"] = new(0.15m, 0.6m, 0.075m),
        ["text-embedding-3-small"] = new(0.02m, 0),
    };
}
