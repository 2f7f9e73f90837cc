namespace SaasLlm.ApiService.OpenAi;

/// <summary>What an OpenAI client is told that asks for more of OpenAI's API than there is here.</summary>
internal static class NotServed
{
    private const int PathShownMax = 100;

    private const string Served =
        "POST /v1/chat/completions, /v1/responses, /v1/completions and /v1/embeddings, GET /v1/models and GET /v1/models/{model}";

    /// <summary>The sentence; null for other callers.</summary>
    public static string? Of(HttpContext context)
    {
        if (context.Features.Get<OpenAiSurface>() is null)
        {
            return null;
        }

        var path = context.Request.Path.Value!;
        var shown = path.Length <= PathShownMax ? path : string.Concat(path.AsSpan(0, PathShownMax), "…");
        return $"{context.Request.Method} {shown} is not served here. Served are {Served}.";
    }
}
