using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Models;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>What the simulator itself answers to a prompt: its own words back, the same each time.</summary>
/// <param name="ToolCall">The name of the function that is called instead of a text.</param>
internal sealed record Echo(string Text, bool IsLimited, string? ToolCall, int PromptTokens, int CompletionTokens)
{
    private const int LongestEcho = 2000;

    private static readonly string[] s_limits = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

    public string FinishReason => ToolCall is not null ? "tool_calls" : IsLimited ? "length" : "stop";

    public decimal InputCost(SimulatedModel model) => model.CostOfInput(PromptTokens);

    public decimal OutputCost(SimulatedModel model) => model.CostOfOutput(CompletionTokens);

    public static Echo Of(JsonElement body, string prompt, string lastText, int count, (int Prompt, int Completion)? usage)
    {
        var tool = ForcedTool(body);
        var whole = "Simulated answer to: " + (lastText.Length > LongestEcho ? lastText[..LongestEcho] : lastText);
        var text = Limit(body) is { } limit ? Tokens.Limit(whole, limit) : whole;
        var produced = tool is not null ? Tokens.Count(tool) + 1 : Tokens.Count(text);
        return new(
            text,
            text.Length < whole.Length,
            tool,
            usage?.Prompt ?? Math.Max(1, Tokens.Count(prompt)),
            usage?.Completion ?? Math.Max(1, produced) * count);
    }

    public JsonObject Usage() => new()
    {
        ["completion_tokens"] = CompletionTokens,
        ["prompt_tokens"] = PromptTokens,
        ["total_tokens"] = PromptTokens + CompletionTokens,
    };

    /// <summary>The text in pieces of a word each.</summary>
    public IEnumerable<string> Pieces()
    {
        var start = 0;
        for (var i = 1; i <= Text.Length; i++)
        {
            if (i == Text.Length || (Text[i] == ' ' && !char.IsWhiteSpace(Text[i - 1])))
            {
                yield return Text[start..i];
                start = i;
            }
        }
    }

    // Negative limits reach the provider at LiteLLM; here they are no limit.
    private static int? Limit(JsonElement body) => s_limits
        .Select(name => body.Has(name, out var value) && value.ValueKind is JsonValueKind.Number && value.TryGetInt32(out var limit) && limit > 0 ? limit : (int?)null)
        .FirstOrDefault(limit => limit is not null);

    /// <summary>Tools are ignored unless a call is demanded: then it is the one named, or the first.</summary>
    private static string? ForcedTool(JsonElement body)
    {
        if (!body.Has("tool_choice", out var choice))
        {
            return null;
        }

        if (choice.Has("function", out var function))
        {
            return function.StringOf("name");
        }

        return choice.ValueKind is JsonValueKind.String && choice.GetString() == "required"
            && body.Has("tools", out var tools) && tools.ValueKind is JsonValueKind.Array
            ? tools.EnumerateArray().Select(tool => tool.Has("function", out var first) ? first.StringOf("name") : null).FirstOrDefault(name => name is not null)
            : null;
    }
}
