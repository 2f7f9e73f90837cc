using System.Text.Json;

namespace SaasLlm.Core.Llm.Requests;

/// <summary>The fields of a route's body, each with the kinds of values it may have. What stands nowhere here is unknown.</summary>
/// <param name="PassedOn">Reach the provider as they are.</param>
/// <param name="KeptHere">End here: labels, and what we decide ourselves.</param>
/// <param name="Priced">Change the price: refused unless the price book prices them, which it does not yet.</param>
internal sealed record RequestFields(
    Dictionary<string, JsonValueKind[]> PassedOn, Dictionary<string, JsonValueKind[]> KeptHere, HashSet<string> Priced)
{
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

    /// <summary>Fields of OpenAI's API that do what is not offered here, unless a group allows them by name; null asks for nothing.</summary>
    public HashSet<string> NotOffered { get; init; } = [];

    public bool IsKnown(string name) => PassedOn.ContainsKey(name) || IsOurs(name);

    /// <summary>True for what does not reach the provider.</summary>
    public bool IsOurs(string name) => KeptHere.ContainsKey(name) || Priced.Contains(name);

    /// <summary>True for a field that makes a call cost something else. The usual tier is what a call gets that names none.</summary>
    public bool ChangesPrice(JsonProperty field)
        => Priced.Contains(field.Name) && field.Value.ValueKind != JsonValueKind.Null
           && !(field.Name == "service_tier" && field.Value.ValueKind == JsonValueKind.String && field.Value.GetString() is "auto" or "default");

    /// <summary>True for what no group's settings can allow.</summary>
    public bool IsNeverPassedOn(string name)
        => IsOurs(name) || IsObeyed(name);

    /// <summary>True for what LiteLLM would obey, on any route.</summary>
    public static bool IsObeyed(string name)
        => s_obeyed.Contains(name) || s_obeyedPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));

    /// <summary>The first field whose value is of the wrong kind, or null.</summary>
    public (string Field, string Sentence)? KindFault(JsonElement body)
    {
        foreach (var field in body.EnumerateObject().Where(field => field.Value.ValueKind != JsonValueKind.Null))
        {
            if ((PassedOn.TryGetValue(field.Name, out var kinds) || KeptHere.TryGetValue(field.Name, out kinds)) && !kinds.Contains(field.Value.ValueKind))
            {
                return field.Name == "stream" && field.Value.ValueKind == JsonValueKind.True
                    ? (field.Name, "This route does not stream.")
                    : (field.Name, $"'{field.Name}' must be {string.Join(" or ", kinds.Select(Word).Distinct())}.");
            }
        }

        return null;
    }

    private static string Word(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Array => "a list",
        JsonValueKind.Object => "an object",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        _ => "true or false",
    };
}
