using System.Text.Json;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>The fields of a request to the responses API.</summary>
internal static class ResponseFields
{
    public static readonly RequestFields All = new(
        new(StringComparer.Ordinal)
        {
            ["input"] = [JsonValueKind.String, JsonValueKind.Array],
            ["instructions"] = [JsonValueKind.String],
            ["include"] = [JsonValueKind.Array],
            ["max_output_tokens"] = [JsonValueKind.Number],
            ["max_tool_calls"] = [JsonValueKind.Number],
            ["parallel_tool_calls"] = [JsonValueKind.True, JsonValueKind.False],
            ["previous_response_id"] = [JsonValueKind.String],
            ["prompt_cache_key"] = [JsonValueKind.String],
            ["prompt_cache_options"] = [JsonValueKind.Object],
            ["prompt_cache_retention"] = [JsonValueKind.String],
            ["reasoning"] = [JsonValueKind.Object],
            ["safety_identifier"] = [JsonValueKind.String],
            ["store"] = [JsonValueKind.True, JsonValueKind.False],
            ["temperature"] = [JsonValueKind.Number],
            ["text"] = [JsonValueKind.Object],
            ["tool_choice"] = [JsonValueKind.String, JsonValueKind.Object],
            ["tools"] = [JsonValueKind.Array],
            ["top_logprobs"] = [JsonValueKind.Number],
            ["top_p"] = [JsonValueKind.Number],
            ["truncation"] = [JsonValueKind.String],
        },
        new(StringComparer.Ordinal)
        {
            ["metadata"] = [JsonValueKind.Object],
            // LiteLLM would keep budgets and blocks by it, for all teams together.
            ["user"] = [JsonValueKind.String],
            ["stream"] = [JsonValueKind.False],
            ["stream_options"] = [JsonValueKind.Object],
            ["background"] = [JsonValueKind.True, JsonValueKind.False],
        },
        ["service_tier"])
    {
        NotOffered = ["conversation", "prompt", "moderation", "context_management"],
    };

    private static readonly HashSet<string> s_function = ["type", "name", "description", "parameters", "strict"];
    private static readonly HashSet<string> s_custom = ["type", "name", "description", "format"];

    /// <summary>The first fault, or null.</summary>
    public static (string Field, string Sentence)? FirstFault(JsonElement body, GroupSettings settings)
        => All.KindFault(body)
           ?? Background(body)
           ?? ResponseInputChecks.FirstFault(body, settings)
           ?? FieldChecks.Count(body, "max_output_tokens", 1, settings.OutputTokensMax ?? int.MaxValue)
           ?? FieldChecks.Range(body, "temperature", 0, settings.TemperatureMax ?? 2)
           ?? FieldChecks.Range(body, "top_p", 0, 1)
           ?? Tools(body, settings);

    private static (string, string)? Background(JsonElement body)
        => FieldChecks.Present(body, "background", out var background) && background.ValueKind == JsonValueKind.True
            ? ("background", "Responses in the background are not offered.")
            : null;

    private static (string, string)? Tools(JsonElement body, GroupSettings settings)
    {
        if (!FieldChecks.Present(body, "tools", out var tools))
        {
            return null;
        }

        var index = 0;
        foreach (var tool in tools.EnumerateArray())
        {
            if (Tool(tool, $"tools[{index++}]", settings) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private static (string, string)? Tool(JsonElement tool, string field, GroupSettings settings)
    {
        if (FieldChecks.Text(tool, "type") is not { } type)
        {
            return ($"{field}.type", "Each tool needs a 'type'.");
        }

        return type switch
        {
            "function" => ToolChecks.Members(tool, s_function, field, settings),
            "custom" => ToolChecks.Members(tool, s_custom, field, settings),
            _ when settings.ToolTypes.Contains(type) => null,
            _ => ($"{field}.type", $"Tools of type '{(type.Length <= 100 ? type : type[..100])}' are not offered by this model group."),
        };
    }
}
