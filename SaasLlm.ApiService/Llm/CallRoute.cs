using Microsoft.AspNetCore.Mvc;
using SaasLlm.ApiService.Platform.Idempotency;

namespace SaasLlm.ApiService.Llm;

/// <summary>Marks a route that calls a model, and says what is true of every one.</summary>
internal sealed class CallRoute
{
    /// <summary>Bytes of a call's body: documents and images come in it.</summary>
    public const long BodyBytesMax = 20 * 1024 * 1024;

    private static readonly CallRoute s_mark = new();

    /// <summary>A long body, work that is never done twice, and what may be refused.</summary>
    // As metadata, and not by FastEndpoints' own MaxRequestBodySize: a keyed body is read before the endpoint begins.
    public static void Describe(RouteHandlerBuilder route) => route
        .WithMetadata(s_mark, NeverRepeated.Mark, new RequestSizeLimitAttribute(BodyBytesMax))
        .ProducesProblem(400).ProducesProblem(401).ProducesProblem(402).ProducesProblem(403).ProducesProblem(404).ProducesProblem(409)
        .ProducesProblem(429).ProducesProblem(502).ProducesProblem(503).ProducesProblem(504);
}
