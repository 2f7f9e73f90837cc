using System.Text.Json;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>The fields of a chat request: what is passed on, what is kept here, what is refused, and why.</summary>
internal static class ChatFields
{
    /// <summary>OpenAI's fields that reach the provider as they are, with the kinds of values they may have.</summary>
    public static readonly Dictionary<string, JsonValueKind[]> PassedOn = new(StringComparer.Ordinal)
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
        ["user"] = [JsonValueKind.String],
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
        ["safety_identifier"] = [JsonValueKind.String],
        ["modalities"] = [JsonValueKind.Array],
    };

    /// <summary>OpenAI's fields that end here: labels, storage, and what we decide ourselves.</summary>
    public static readonly Dictionary<string, JsonValueKind[]> KeptHere = new(StringComparer.Ordinal)
    {
        ["metadata"] = [JsonValueKind.Object],
        ["store"] = [JsonValueKind.True, JsonValueKind.False],
        ["stream"] = [JsonValueKind.False],
        ["stream_options"] = [JsonValueKind.Object],
    };

    /// <summary>Fields that change the price: refused unless the price book prices them, which it does not yet.</summary>
    public static readonly HashSet<string> Priced = ["service_tier", "web_search_options", "audio"];

    // What LiteLLM obeys (litellm-contract, section 5) or has obeyed: it spends elsewhere, reaches other servers, or undoes our accounting.
    private static readonly HashSet<string> s_obeyed =
    [
        "model", "fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "disable_fallbacks", "extra_headers", "headers", "extra_body",
        "extra_query", "custom_llm_provider", "timeout", "request_timeout", "stream_timeout", "max_retries", "num_retries", "retry_policy",
        "retry_strategy", "specific_deployment", "deployment_id", "no-log", "no_log", "cache", "caching", "ttl", "guardrails", "tags", "api_base",
        "base_url", "api_key", "api_version", "api_type", "organization", "user_config", "model_list", "model_info", "router_settings",
        "azure_ad_token", "input_cost_per_token", "output_cost_per_token", "drop_params", "additional_drop_params", "allowed_openai_params",
        "callbacks", "success_callback", "failure_callback", "proxy_server_request", "secret_fields", "logger_fn", "hf_model_name",
        "prompt_id", "prompt_variables", "rpm", "tpm", "max_budget", "region_name",
    ];

    private static readonly string[] s_obeyedPrefixes = ["litellm_", "mock_", "aws_", "azure_", "vertex_", "x-litellm"];

    /// <summary>True for what no group's settings can allow.</summary>
    public static bool IsNeverPassedOn(string name)
        => s_obeyed.Contains(name) || KeptHere.ContainsKey(name) || Priced.Contains(name)
           || s_obeyedPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
