namespace SaasLlm.ApiService.OpenAi;

/// <summary>Marks a request of an OpenAI client: its errors are in OpenAI's envelope.</summary>
/// <param name="Deployment">The model that Azure's form of the path names; null elsewhere.</param>
internal sealed record OpenAiSurface(string? Deployment)
{
    private const string Root = "/v1";

    // What clients ask for when their base URL lacks /v1; the second line is not served, and told so in their envelope.
    private static readonly string[] s_routes =
    [
        "/chat", "/completions", "/embeddings", "/responses", "/models",
        "/files", "/uploads", "/audio", "/images", "/videos", "/moderations", "/batches", "/fine_tuning", "/assistants", "/threads",
        "/vector_stores", "/containers", "/conversations", "/evals", "/realtime", "/engines",
    ];

    /// <summary>
    /// Brings the ways in which clients write the same route to one: <c>/v1/…</c>, the base URL without <c>/v1</c>, and Azure's
    /// <c>/openai/deployments/{name}/…</c> with its <c>api-key</c> header. Stands before routing.
    /// </summary>
    public static Task RewriteAsync(HttpContext context, RequestDelegate next)
    {
        var path = context.Request.Path;
        if (path.StartsWithSegments(Root))
        {
            context.Features.Set(new OpenAiSurface(null as string));
        }
        else if (path.StartsWithSegments("/openai/v1", out var rest) || (s_routes.Any(route => path.StartsWithSegments(route)) && (rest = path).HasValue))
        {
            context.Features.Set(new OpenAiSurface(null as string));
            context.Request.Path = Root + rest;
        }
        else if (path.StartsWithSegments("/openai/deployments", out var named) && named.Value?.Split('/', 3) is [_, { Length: > 0 } deployment, var route])
        {
            context.Features.Set(new OpenAiSurface(deployment));
            context.Request.Path = $"{Root}/{route}";
        }
        else
        {
            return next(context);
        }

        var headers = context.Request.Headers;
        if (headers.Authorization.Count == 0 && headers.TryGetValue("api-key", out var key))
        {
            headers.Authorization = $"Bearer {key}";
        }

        // curl sends JSON as a form where nobody says otherwise; these routes take nothing but JSON.
        if (HttpMethods.IsPost(context.Request.Method))
        {
            context.Request.ContentType = "application/json";
        }

        return next(context);
    }
}
