using System.Text.RegularExpressions;

namespace SaasLlm.Core.Llm.Answers;

/// <summary>
/// The provider's sentence about a wrong request, without names: it helps the tenant ("max_tokens is too large"), and may tell
/// neither model, provider, account nor address. What cannot be cleaned with certainty is not shown.
/// </summary>
public static partial class RejectionSentence
{
    private const int LengthMax = 300;
    private const string Generic = "The request was rejected as invalid.";

    /// <summary>The sentence for the tenant.</summary>
    /// <param name="models">The names of the group's models, none of which may appear.</param>
    public static string For(GatewayAnswer answer, IEnumerable<string> models)
    {
        var message = GatewayError.Read(answer.Body).Message;

        // "litellm.BadRequestError: OpenAIException - the sentence\n\nLiteLLM: model group 'x' failed …", older: "… Received Model Group=x".
        var provider = ProviderPrefix().Match(message);
        if (!provider.Success)
        {
            return Generic;
        }

        var sentence = message[provider.Length..];
        sentence = sentence.Split(["\n", "LiteLLM:", "Received Model Group", "Available Model Group"], StringSplitOptions.None)[0].Trim();
        // First: an address may hold a provider's name.
        sentence = Secrets().Replace(sentence, "…");
        foreach (var model in models.SelectMany(model => new[] { model, model[(model.LastIndexOf('/') + 1)..] }).Where(name => name.Length > 0))
        {
            sentence = sentence.Replace(model, "the model", StringComparison.OrdinalIgnoreCase);
        }

        sentence = NamedModel().Replace(sentence, "the model");
        sentence = Models().Replace(sentence, "the model");
        sentence = Providers().Replace(sentence, "the provider");
        // A control character is no part of a sentence, and NUL is one that Postgres cannot keep.
        return sentence.Length is 0 or > LengthMax || sentence.AsSpan().ContainsAny("{}<>") || sentence.Any(char.IsControl) ? Generic : sentence;
    }

    [GeneratedRegex(@"^litellm\.\w+: (?:litellm\.\w+: )*\w+Exception - ")]
    private static partial Regex ProviderPrefix();

    // The model `x` does not exist
    [GeneratedRegex(@"(?:\bthe )?\bmodel:? (?:`[^`]*`|'[^']*'|""[^""]*"")", RegexOptions.IgnoreCase)]
    private static partial Regex NamedModel();

    [GeneratedRegex(@"\bo[1-9]\b(?:-[\w.-]+)?|\b(?:gpt|chatgpt|claude|gemini|gemma|llama|mistral|mixtral|codestral|command|deepseek|qwen|grok|kimi|glm|phi|nova|titan|davinci|text-embedding|o[1-9])[-.:\d][\w.:/@-]*", RegexOptions.IgnoreCase)]
    private static partial Regex Models();

    [GeneratedRegex(@"\b(?:open ?ai|azure|anthropic|vertex\w*|bedrock|google|aws|amazon|litellm|mistral|cohere|groq|together ?ai|fireworks ?ai|openrouter|deepseek|xai|hugging ?face)\w*|\bmeta(?:-llama)?\b", RegexOptions.IgnoreCase)]
    private static partial Regex Providers();

    [GeneratedRegex(@"https?://\S+|\b(?:sk|org|req|proj|acct|user|chatcmpl|resp|key)[-_][\w-]+|\b[0-9a-f]{16,}\b|\b[0-9a-f]{8}-[0-9a-f-]{20,}|\S+@\S+|\b\d{1,3}(?:\.\d{1,3}){3}\b", RegexOptions.IgnoreCase)]
    private static partial Regex Secrets();
}
