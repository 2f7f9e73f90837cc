namespace SaasLlm.Core.Pricing;

/// <summary>What the gateway says of its models' prices.</summary>
/// <param name="ByLength">
/// Models whose price depends on the length of the prompt: the book has one price a token, and the base price would bill long prompts below
/// cost. They have a price once the operator states one.
/// </param>
public sealed record GatewayPriceList(IReadOnlyDictionary<string, ModelPrice> Prices, IReadOnlyList<string> ByLength);
