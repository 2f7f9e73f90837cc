namespace SaasLlm.Core.Llm.Answers;

/// <summary>
/// An error that is no refusal: the provider had the request, and may have computed and billed an answer that got lost on its way to LiteLLM.
/// LiteLLM says so by 408 and 504, and by the texts of its exceptions under 500 (litellm-contract, section 2).
/// </summary>
internal static class LostAnswer
{
    // "Connection error." is what it says of a refused connection too; the two cannot be told apart.
    private static readonly string[] s_texts =
    [
        "Connection error.",
        "litellm.APIConnectionError",
        "litellm.Timeout",
        "Empty or invalid response from LLM endpoint",
        "provider returned 'choices' that is not a list",
    ];

    public static bool IsOne(GatewayAnswer answer) => answer.Status switch
    {
        408 or 504 => true,
        >= 500 => GatewayError.Read(answer.Body).Message is var message && s_texts.Any(text => message.Contains(text, StringComparison.Ordinal)),
        _ => false,
    };
}
