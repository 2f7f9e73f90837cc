using System.Text.Json;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>A function that is called in place of a text.</summary>
/// <param name="Arguments">JSON, a text.</param>
internal sealed record ToolCall(string Name, string Arguments)
{
    private const string SampleText = "sample";

    /// <summary>
    /// The functions that the user's own message names, each once, unless tools are switched off; where a call is demanded, at least
    /// the first. A tool's result is answered with text, so that a loop of calls ends.
    /// </summary>
    public static IReadOnlyList<ToolCall> Of(JsonElement body, string asked)
    {
        var choice = body.Has("tool_choice", out var given) ? given : default;
        if (choice.Has("function", out var function) && function.StringOf("name") is { } named)
        {
            return [Call(Functions(body).FirstOrDefault(tool => tool.StringOf("name") == named), named)];
        }

        // The responses API names it without an object of its own.
        if (choice.StringOf("type") == "function" && choice.StringOf("name") is { } called)
        {
            return [Call(Functions(body).FirstOrDefault(tool => tool.StringOf("name") == called), called)];
        }

        var mode = choice.ValueKind is JsonValueKind.String ? choice.GetString() : "auto";
        var tools = mode == "none" ? [] : Functions(body).Where(tool => tool.StringOf("name") is not null).ToList();
        var wanted = tools.Where(tool => asked.Contains(tool.StringOf("name")!, StringComparison.Ordinal)).ToList();
        if (wanted.Count == 0 && mode == "required")
        {
            wanted = [.. tools.Take(1)];
        }

        var isOneAtATime = body.Has("parallel_tool_calls", out var parallel) && parallel.ValueKind is JsonValueKind.False;
        return [.. wanted.Take(isOneAtATime ? 1 : wanted.Count).Select(tool => Call(tool, tool.StringOf("name")!))];
    }

    /// <summary>The id of an answer's call.</summary>
    public static string Id(string answerId, int index)
        => answerId.Replace("chatcmpl-", "call-", StringComparison.Ordinal) + (index == 0 ? "" : $"-{index}");

    private static IEnumerable<JsonElement> Functions(JsonElement body)
        => body.Has("tools", out var tools) && tools.ValueKind is JsonValueKind.Array
            ? tools.EnumerateArray().Select(tool => tool.Has("function", out var function) ? function : tool.StringOf("type") == "function" ? tool : default)
            : [];

    private static ToolCall Call(JsonElement function, string name)
        => new(name, function.Has("parameters", out var parameters) ? Json.Text(SampleValue.Of(parameters, SampleText)) : "{}");
}
