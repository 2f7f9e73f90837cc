namespace SaasLlm.Core.Llm.Limits;

/// <summary>The most that a call may use, in tokens.</summary>
/// <param name="Answers">How many it asked for; each may be as long as <paramref name="MaxTokens"/>.</param>
internal readonly record struct CallSize(long PromptTokens, int Answers, long MaxTokens)
{
    public long Tokens => PromptTokens + (Answers * MaxTokens);

    /// <summary>The longest answer with which the call needs no more than <paramref name="tokens"/>; 0: there is none.</summary>
    public long MaxTokensWithin(long tokens) => Math.Max(0, (tokens - PromptTokens) / Math.Max(1, Answers));
}
