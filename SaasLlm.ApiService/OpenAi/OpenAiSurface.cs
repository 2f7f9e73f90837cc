namespace SaasLlm.ApiService.OpenAi;

/// <summary>Marks a request of an OpenAI client: its errors are in OpenAI's envelope.</summary>
/// <param name="Deployment">The model that Azure's form of the path names; null elsewhere.</param>
internal sealed record OpenAiSurface(string? Deployment)
{
    private const string Root = "/v1";
    private const string Azure = "/openai";

    private static readonly OpenAiSurface s_plain = new(null as string);

    // What clients ask for when their base URL lacks /v1; the second line is not served, and told so in their envelope.
    private static readonly string[] s_routes =
    [
        "/chat", "/completions", "/embeddings", "/responses", "/models",
        "/files", "/uploads", "/audio", "/images", "/videos", "/moderations", "/batches", "/fine_tuning", "/assistants", "/threads",
        "/vector_stores", "/containers", "/conversations", "/evals", "/realtime", "/engines",
    ];

    /// <summary>
    /// Brings the ways in which clients write the same route to one: <c>/v1/…</c>, the base URL without <c>/v1</c>, and Azure's
    /// <c>/openai/deployments/{name}/…</c>, <c>/openai/…</c> and <c>/openai/v1/…</c> with its <c>api-key</c> header. Stands before routing.
    /// </summary>
    public static Task RewriteAsync(HttpContext context, RequestDelegate next)
    {
        if (Find(context.Request.Path) is not ({ } surface, var path))
        {
            return next(context);
        }

        context.Features.Set(surface);
        context.Request.Path = path;
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

    // A path of theirs that names no route of ours stays as it is, and is told so in their envelope.
    private static (OpenAiSurface? Surface, PathString Path) Find(PathString path)
    {
        if (path.StartsWithSegments(Root))
        {
            return (s_plain, path);
        }

        if (!path.StartsWithSegments(Azure, out var rest))
        {
            return IsRoute(path) ? (s_plain, Root + path) : default;
        }

        return rest.StartsWithSegments("/deployments", out var named) && named.Value?.Split('/', 3) is [_, { Length: > 0 } deployment, var route]
            ? (new(deployment), $"{Root}/{route}")
            : (s_plain, rest.StartsWithSegments(Root) ? rest : IsRoute(rest) ? Root + rest : path);
    }

    private static bool IsRoute(PathString path) => s_routes.Any(route => path.StartsWithSegments(route));
}
