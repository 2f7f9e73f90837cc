namespace SaasLlm.Core.Llm.Requests;

/// <summary>The fields of a chat request: what is passed on, what is kept here, what is refused, and why.</summary>
internal static class ChatFields
{
    /// <summary>OpenAI's fields that reach the provider as they are.</summary>
    public static readonly HashSet<string> PassedOn =
    [
        "messages", "temperature", "top_p", "n", "max_tokens", "max_completion_tokens", "stop", "seed", "presence_penalty",
        "frequency_penalty", "logprobs", "top_logprobs", "logit_bias", "user", "tools", "tool_choice", "parallel_tool_calls",
        "functions", "function_call", "response_format", "reasoning_effort", "verbosity", "prediction", "prompt_cache_key",
        "safety_identifier", "modalities",
    ];

    /// <summary>OpenAI's fields that end here: labels, storage, and what we decide ourselves.</summary>
    public static readonly HashSet<string> KeptHere = ["metadata", "store", "stream", "stream_options"];

    /// <summary>Fields that change the price: refused unless the price book prices them, which it does not yet.</summary>
    public static readonly HashSet<string> Priced = ["service_tier", "web_search_options", "audio"];
}
