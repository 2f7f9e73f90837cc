using System.Net.Http.Headers;

namespace SaasLlm.Core.Llm.Gateway;

/// <summary>Where an attempt is sent.</summary>
/// <param name="Name">In the configuration's <c>Gateways</c>; null is the gateway that all teams have keys for.</param>
/// <param name="Root">With a trailing slash, without <c>v1</c>.</param>
/// <param name="Key">Sent as Bearer; empty sends none, null is the team's own.</param>
/// <param name="IsLiteLlm">It obeys and says more than OpenAI's servers do.</param>
public sealed record GatewayTarget(string? Name, Uri Root, string? Key, bool IsLiteLlm)
{
    private static readonly HttpRequestOptionsKey<bool> s_isDirect = new("saasllm.direct");

    /// <summary>A request with a JSON body.</summary>
    internal HttpRequestMessage NewRequest(string path, ReadOnlyMemory<byte> body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Root, path)) { Content = new ReadOnlyMemoryContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        if (Key is { Length: > 0 } key)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        request.Options.Set(s_isDirect, Name is not null);
        return request;
    }

    /// <summary>True for a request that has one address, whatever replicas the common gateway has.</summary>
    internal static bool IsDirect(HttpRequestMessage request) => request.Options.TryGetValue(s_isDirect, out var isDirect) && isDirect;
}
