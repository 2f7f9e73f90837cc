using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Inference;

internal static class InferenceRoutes
{
    private static readonly string[] s_chat =
        ["/v1/chat/completions", "/chat/completions", "/openai/deployments/{model}/chat/completions", "/engines/{model}/chat/completions"];

    private static readonly string[] s_suffixes = ["/chat/completions", "/completions", "/embeddings", "/responses"];

    public static void MapInference(this WebApplication app)
    {
        var gate = ActivatorUtilities.CreateInstance<InferenceGate>(app.Services);
        var chat = ActivatorUtilities.CreateInstance<Chat>(app.Services, gate);
        var completions = ActivatorUtilities.CreateInstance<Completions>(app.Services, gate);
        var embeddings = ActivatorUtilities.CreateInstance<Embeddings>(app.Services, gate);
        var responses = ActivatorUtilities.CreateInstance<Responses>(app.Services, gate);

        app.Route("POST", s_chat, Access.Inference, chat.AnswerAsync);
        app.Route("POST", ["/v1/completions", "/completions"], Access.Inference, completions.AnswerAsync);
        app.Route("POST", ["/v1/embeddings", "/embeddings"], Access.Inference, embeddings.AnswerAsync);
        app.Route("POST", ["/v1/responses", "/responses"], Access.Inference, responses.AnswerAsync);
    }

    public static bool IsInference(HttpRequest request) => HttpMethods.IsPost(request.Method)
        && s_suffixes.Any(suffix => request.Path.Value!.EndsWith(suffix, StringComparison.Ordinal));
}
