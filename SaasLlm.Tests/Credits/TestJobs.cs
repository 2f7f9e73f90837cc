using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Credits;

/// <summary>Jobs and accounts as tests of the HTTP routes need them.</summary>
internal static class TestJobs
{
    /// <summary>The id of a job that was opened.</summary>
    public static async Task<string> OpenJobAsync(this ApiClient client, string type = "test")
        => (string)(await client.PostAsync("/api/jobs/create", $$"""{"job_type":"{{type}}"}""")).Is(200)["job_id"]!;

    /// <summary>The id of a job that was opened, completed and charged.</summary>
    public static async Task<string> CompleteJobAsync(this ApiClient client)
    {
        var job = await client.OpenJobAsync();
        (await client.PostAsync($"/api/jobs/{job}/complete", """{"status":"completed"}""")).Is(200);
        return job;
    }

    public static Task<ApiAnswer> PatchAsync(this ApiClient client, string path, string json) => client.SendAsync(HttpMethod.Patch, path, json);

    public static Task<ApiAnswer> BalanceAsync(this ApiFixture api, TestTeam team)
        => api.Operator.GetAsync($"/api/credits/teams/{team.Id}/balance");

    /// <summary>Grants a lot; the answer is its id.</summary>
    public static async Task<string> GrantAsync(this ApiFixture api, TestTeam team, string json)
        => (string)(await api.Operator.PostAsync($"/api/credits/teams/{team.Id}/add", json)).Is(200)["transaction"]!["transaction_id"]!;
}
