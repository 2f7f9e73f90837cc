using System.Text.Json;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>The fields of a chat request.</summary>
internal static class ChatFields
{
    private static readonly Dictionary<string, JsonValueKind[]> s_passedOn = new(StringComparer.Ordinal)
    {
        ["messages"] = [JsonValueKind.Array],
        ["temperature"] = [JsonValueKind.Number],
        ["top_p"] = [JsonValueKind.Number],
        ["n"] = [JsonValueKind.Number],
        ["max_tokens"] = [JsonValueKind.Number],
        ["max_completion_tokens"] = [JsonValueKind.Number],
        ["stop"] = [JsonValueKind.String, JsonValueKind.Array],
        ["seed"] = [JsonValueKind.Number],
        ["presence_penalty"] = [JsonValueKind.Number],
        ["frequency_penalty"] = [JsonValueKind.Number],
        ["logprobs"] = [JsonValueKind.True, JsonValueKind.False],
        ["top_logprobs"] = [JsonValueKind.Number],
        ["logit_bias"] = [JsonValueKind.Object],
        ["tools"] = [JsonValueKind.Array],
        ["tool_choice"] = [JsonValueKind.String, JsonValueKind.Object],
        ["parallel_tool_calls"] = [JsonValueKind.True, JsonValueKind.False],
        ["functions"] = [JsonValueKind.Array],
        ["function_call"] = [JsonValueKind.String, JsonValueKind.Object],
        ["response_format"] = [JsonValueKind.Object],
        ["reasoning_effort"] = [JsonValueKind.String],
        ["verbosity"] = [JsonValueKind.String],
        ["prediction"] = [JsonValueKind.Object],
        ["prompt_cache_key"] = [JsonValueKind.String],
        ["prompt_cache_options"] = [JsonValueKind.Object],
        ["prompt_cache_retention"] = [JsonValueKind.String],
        ["safety_identifier"] = [JsonValueKind.String],
        ["modalities"] = [JsonValueKind.Array],
    };

    private static readonly Dictionary<string, JsonValueKind[]> s_keptHere = new(StringComparer.Ordinal)
    {
        ["metadata"] = [JsonValueKind.Object],
        // LiteLLM would keep budgets and blocks by it, for all teams together.
        ["user"] = [JsonValueKind.String],
        ["store"] = [JsonValueKind.True, JsonValueKind.False],
        ["stream"] = [JsonValueKind.False],
        ["stream_options"] = [JsonValueKind.Object],
    };

    public static readonly RequestFields All = new(s_passedOn, s_keptHere, ["service_tier", "web_search_options", "audio"]) { NotOffered = ["moderation"] };
}
