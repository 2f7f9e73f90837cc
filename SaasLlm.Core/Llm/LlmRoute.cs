namespace SaasLlm.Core.Llm;

/// <summary>Which of OpenAI's routes a call is made on.</summary>
public enum LlmRoute
{
    /// <summary><c>/v1/chat/completions</c>.</summary>
    Chat,

    /// <summary><c>/v1/embeddings</c>.</summary>
    Embeddings,

    /// <summary><c>/v1/responses</c>.</summary>
    Responses,
}
