using System.Net.Http.Json;
using SaasLlm.Benchmarks.Gateway.Servers;
using SaasLlm.Benchmarks.Stack;

namespace SaasLlm.Benchmarks.Gateway;

/// <summary>Teams that have all that a paying tenant has: a key, credits, a group of a priced model, and limits that are checked and never reached.</summary>
internal static class GatewayTenants
{
    private const decimal Plenty = 100_000_000;

    private static readonly string[] s_models = [UpstreamVerb.QuickModel, UpstreamVerb.SlowModel];

    /// <returns>The teams' keys.</returns>
    public static async Task<IReadOnlyList<string>> CreateAsync(Uri api, int count, CancellationToken cancellation)
    {
        using var http = new HttpClient { BaseAddress = api };
        http.DefaultRequestHeaders.Add("X-Admin-Key", BenchmarkStack.AdminKey);
        foreach (var model in s_models)
        {
            await SendAsync(http, HttpMethod.Put, $"/api/prices/models/{model}", new { input_usd_per_million = 0.5, output_usd_per_million = 1.5 }, cancellation);
            await SendAsync(
                http, HttpMethod.Post, "/api/model-groups/create",
                new { group_name = model, display_name = model, models = new[] { new { model_name = model, priority = 0 } } }, cancellation);
        }

        var teams = await TeamSet.CreateAsync(api, "gateway", count, Plenty, cancellation);
        foreach (var team in teams)
        {
            await SendAsync(http, HttpMethod.Put, $"/api/teams/{team.Id}/model-groups", s_models, cancellation);
            await SendAsync(
                http, HttpMethod.Put, $"/api/teams/{team.Id}",
                new { limits = new { requests_per_minute = 100_000_000, tokens_per_minute = 1_000_000_000_000, parallel_calls = 100_000 } }, cancellation);
        }

        return [.. teams.Select(team => team.Key)];
    }

    private static async Task SendAsync(HttpClient http, HttpMethod method, string path, object body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, path) { Content = JsonContent.Create(body) };
        using var answer = await http.SendAsync(request, cancellation);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"{method} {path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellation)}");
        }
    }
}
