using System.Globalization;
using System.Text.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Llm.Answers;

/// <summary>What the gateway itself says that an answer cost, in USD. It is stored beside our own cost, and charges nobody.</summary>
public static class GatewayCost
{
    /// <summary>LiteLLM's header: absent on streams, and for what it has no price or no usage for.</summary>
    public const string Header = "x-litellm-response-cost";

    // What is above is no cost of one answer, and would not fit its column.
    private const decimal Max = 10_000_000m;

    /// <summary>Of a header, for example <c>4.5e-06</c> or <c>0.00040319999999999993</c>.</summary>
    public static decimal? Parse(string? text)
        => decimal.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var usd)
            ? Accept(usd)
            : null;

    /// <summary>
    /// Of what holds the usage: <c>"usage": {…, "cost": 0.002}</c>. LiteLLM writes it into the last chunk of a stream and the last event of a
    /// response's; some servers into whole answers.
    /// </summary>
    public static decimal? Read(JsonElement answer)
        => answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object
           && usage.TryGetProperty("cost", out var cost) && cost.ValueKind == JsonValueKind.Number && cost.TryGetDecimal(out var usd)
            ? Accept(usd)
            : null;

    // A binary fraction's error is far below ten places: 0.00040319999999999993 is 0.0004032.
    private static decimal? Accept(decimal usd) => usd is >= 0 and <= Max ? decimal.Round(usd, Money.UsdScale) : null;
}
