using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Models;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>What the simulator itself answers to a prompt: its own words back, the same each time.</summary>
/// <param name="ToolCalls">What is called instead of a text.</param>
internal sealed record Echo(string Text, bool IsLimited, IReadOnlyList<ToolCall> ToolCalls, int PromptTokens, int CompletionTokens)
{
    private const int LongestEcho = 2000;

    private static readonly string[] s_limits = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

    public string FinishReason => ToolCalls.Count > 0 ? "tool_calls" : IsLimited ? "length" : "stop";

    public decimal InputCost(SimulatedModel model) => model.CostOfInput(PromptTokens);

    public decimal OutputCost(SimulatedModel model) => model.CostOfOutput(CompletionTokens);

    /// <param name="body">The request.</param>
    /// <param name="prompt">All its text, for counting.</param>
    /// <param name="lastText">The text that is answered.</param>
    /// <param name="asked">What the user asks in the last message; empty where it is a tool's result.</param>
    /// <param name="count">How many choices are wanted.</param>
    /// <param name="usage">In place of what is counted.</param>
    public static Echo Of(JsonElement body, string prompt, string lastText, string asked, int count, (int Prompt, int Completion)? usage)
    {
        var tools = ToolCall.Of(body, asked);
        var whole = Formatted(body, "Simulated answer to: " + (lastText.Length > LongestEcho ? lastText[..LongestEcho] : lastText));
        var text = Limit(body) is { } limit ? Tokens.Limit(whole, limit) : whole;
        var produced = tools.Count > 0 ? tools.Sum(tool => Tokens.Count(tool.Name) + Tokens.Count(tool.Arguments)) : Tokens.Count(text);
        return new(
            text,
            text.Length < whole.Length,
            tools,
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

    /// <summary>The answer in the form that <c>response_format</c> asks for.</summary>
    private static string Formatted(JsonElement body, string text)
    {
        if (!body.Has("response_format", out var format))
        {
            return text;
        }

        return format.StringOf("type") switch
        {
            "json_object" => Json.Text(new JsonObject { ["answer"] = text }),
            "json_schema" when format.Has("json_schema", out var named) && named.Has("schema", out var schema) => Json.Text(SampleValue.Of(schema, text)),
            _ => text,
        };
    }
}
