namespace SaasLlm.LiteLlmSimulator.Keys;

/// <summary>Which routes a key with <c>allowed_routes</c> may call; LiteLLM names some by groups.</summary>
internal static class KeyRoutesAllowed
{
    private static readonly string[] s_llm =
        ["/chat/completions", "/completions", "/embeddings", "/responses", "/models", "/messages", "/engines", "/openai"];

    public static bool Allows(IReadOnlyList<string> allowed, string path) => allowed.Any(route => route switch
    {
        "llm_api_routes" => IsLlm(path),
        "management_routes" => !IsLlm(path),
        _ => string.Equals(route, path, StringComparison.Ordinal),
    });

    private static bool IsLlm(string path)
    {
        var bare = path.StartsWith("/v1/", StringComparison.Ordinal) ? path[3..] : path;
        return s_llm.Any(route => bare.StartsWith(route, StringComparison.Ordinal));
    }
}
