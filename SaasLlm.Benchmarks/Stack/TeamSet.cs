using System.Net.Http.Json;
using System.Text.Json;

namespace SaasLlm.Benchmarks.Stack;

/// <summary>Teams made through the API, with credits for any run.</summary>
internal static class TeamSet
{
    public const string Organization = "org_bench";

    /// <summary>A team as its app knows it.</summary>
    internal sealed record Team(string Id, string Key);

    /// <param name="prefix">Tells the sets of a run apart.</param>
    public static async Task<IReadOnlyList<Team>> CreateAsync(
        Uri api, string prefix, int count, decimal credits, CancellationToken cancellation)
    {
        using var http = new HttpClient { BaseAddress = api };
        http.DefaultRequestHeaders.Add("X-Admin-Key", BenchmarkStack.AdminKey);
        // There already: another set of the run made it.
        using var _ = await http.PostAsJsonAsync("/api/organizations/create", new { organization_id = Organization, name = "Benchmarks" }, cancellation);
        var teams = new Team[count];
        await Parallel.ForAsync(0, count, cancellation, async (index, _) => teams[index] = await CreateOneAsync(http, $"{prefix}_{index}", credits, cancellation));
        return teams;
    }

    private static async Task<Team> CreateOneAsync(HttpClient http, string id, decimal credits, CancellationToken cancellation)
    {
        using var answer = await http.PostAsJsonAsync(
            "/api/teams/create", new { organization_id = Organization, team_id = id, team_alias = id, credits_allocated = credits }, cancellation);
        var body = await answer.Content.ReadAsStringAsync(cancellation);
        return answer.IsSuccessStatusCode
            ? new(id, JsonDocument.Parse(body).RootElement.GetProperty("virtual_key").GetString()!)
            : throw new InvalidOperationException($"The team {id} could not be made: {body}");
    }
}
