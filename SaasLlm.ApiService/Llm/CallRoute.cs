using Microsoft.AspNetCore.Mvc;
using SaasLlm.ApiService.Platform.Idempotency;

namespace SaasLlm.ApiService.Llm;

/// <summary>What is true of every route that calls a model.</summary>
internal static class CallRoute
{
    /// <summary>Bytes of a call's body: documents and images come in it.</summary>
    public const long BodyBytesMax = 20 * 1024 * 1024;

    /// <summary>A long body, work that is never done twice, and what may be refused.</summary>
    // As metadata, and not by FastEndpoints' own MaxRequestBodySize: a keyed body is read before the endpoint begins.
    public static void Describe(RouteHandlerBuilder route) => route
        .WithMetadata(new RequestSizeLimitAttribute(BodyBytesMax), NeverRepeated.Mark)
        .ProducesProblem(400).ProducesProblem(401).ProducesProblem(402).ProducesProblem(403).ProducesProblem(404).ProducesProblem(409)
        .ProducesProblem(429).ProducesProblem(502).ProducesProblem(503).ProducesProblem(504);
}
