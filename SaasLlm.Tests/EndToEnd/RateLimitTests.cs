using System.Text.Json.Nodes;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>Limits of a team and its keys, on every way in.</summary>
public sealed class RateLimitTests(AppFixture fixture)
{
    // All ways in share one limit; a refusal leaves no job behind.
    [Theory]
    [InlineData("/api/jobs/JOB/llm-call", false)]
    [InlineData("/api/jobs/JOB/llm-call-stream", false)]
    [InlineData("/api/jobs/create-and-call", false)]
    [InlineData("/api/jobs/create-and-call-stream", false)]
    [InlineData("/v1/chat/completions", false)]
    [InlineData("/v1/chat/completions", true)]
    public async Task The_third_call_on_a_limit_of_two_is_refused_and_says_so_in_headers(string path, bool isStream)
    {
        var tenant = await ReadyAsync("""{"requests_per_minute":2,"tokens_per_minute":90000}""");
        path = path.Replace("JOB", await tenant.OpenJobAsync(), StringComparison.Ordinal);
        var fields = path.Contains("create-and", StringComparison.Ordinal) ? ",\"job_type\":\"test\"" : isStream ? ",\"stream\":true" : "";
        var body = tenant.CallBody(path, ",\"max_tokens\":50" + fields);

        var answers = new List<Sent>();
        for (var n = 0; n < 3; n++)
        {
            answers.Add(await SendAsync(tenant.Team, path, body));
        }

        Assert.Equal([200, 200, 429], answers.Select(answer => answer.Status));
        Assert.Equal(["1", "0", "0"], answers.Select(answer => answer.Headers["x-ratelimit-remaining-requests"]));
        Assert.All(answers, answer => Assert.Equal(("2", "90000"), (answer.Headers["x-ratelimit-limit-requests"], answer.Headers["x-ratelimit-limit-tokens"])));
        Assert.All(answers, answer => Assert.Matches("^((59|60)(\\.[0-9]{1,3})?s|1m(0|0\\.[0-9]{1,3}|1)s|5[0-9](\\.[0-9]{1,3})?s)$", answer.Headers["x-ratelimit-reset-requests"]));
        Assert.All(answers, answer => Assert.InRange(int.Parse(answer.Headers["x-ratelimit-remaining-tokens"], null), 80_000, 89_999));
        var refused = answers[2];
        var problem = JsonNode.Parse(refused.Text)!;
        var details = problem["error"] ?? problem;
        Assert.Equal(
            ("rate_limit.exceeded", "requests_per_minute", "team", tenant.TeamId, 2, 2),
            ((string)details["code"]!, (string)details["limit"]!, (string)details["level"]!, (string)details["team_id"]!, (int)details["allowed"]!, (int)details["used"]!));
        Assert.Equal("true", refused.Headers["x-should-retry"]);
        var (seconds, milliseconds) = (int.Parse(refused.Headers["Retry-After"], null), int.Parse(refused.Headers["retry-after-ms"], null));
        Assert.InRange(milliseconds, 40_000, 61_000);
        Assert.Equal((milliseconds + 999) / 1000, seconds);
        var isOneShot = !path.Contains("/llm-call", StringComparison.Ordinal);
        var jobs = (await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs")).Is(200)["items"]!.AsArray();
        Assert.Equal(isOneShot ? 3 : 1, jobs.Count);
    }

    [Fact]
    public async Task What_never_fits_is_not_to_be_repeated()
    {
        var tenant = await ReadyAsync("""{"tokens_per_minute":10}""");

        var refused = await SendAsync(tenant.Team, "/v1/chat/completions", tenant.CallBody("/v1/chat/completions", ",\"max_tokens\":50"));

        Assert.Equal((429, "false"), (refused.Status, refused.Headers["x-should-retry"]));
        Assert.False(refused.Headers.ContainsKey("Retry-After"));
        var error = JsonNode.Parse(refused.Text)!["error"]!;
        Assert.Equal(("rate_limit_error", "tokens_per_minute", 0), ((string)error["type"]!, (string)error["limit"]!, (int)error["max_tokens_admitted"]!));
        Assert.Empty((await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs")).Is(200)["items"]!.AsArray());
    }

    [Fact]
    public async Task The_operators_calls_count_for_the_team_and_a_keys_limit_leaves_the_others_alone()
    {
        var tenant = await ReadyAsync("""{"requests_per_minute":3}""");
        var made = (await tenant.Operator.PostAsync($"/api/teams/{tenant.TeamId}/keys/generate", """{"limits":{"requests_per_minute":1}}""")).Is(200);
        using var limited = new ApiClient((await fixture.AppAsync()).Api.BaseAddress!, (string)made["virtual_key"]!);
        var path = $"/api/jobs/{await tenant.OpenJobAsync()}/llm-call";
        var body = tenant.CallBody(path);

        (await limited.PostAsync(path, body)).Is(200);
        var key = (await limited.PostAsync(path, body)).Is(429, "rate_limit.exceeded");
        Assert.Equal(("key", (string)made["key_id"]!), ((string)key["level"]!, (string)key["key_id"]!));
        (await tenant.Team.PostAsync(path, body)).Is(200);
        (await tenant.Operator.PostAsync(path, body)).Is(200);
        Assert.Equal("team", (string)(await tenant.Operator.PostAsync(path, body)).Is(429, "rate_limit.exceeded")["level"]!);
        Assert.Equal("team", (string)(await tenant.Team.PostAsync(path, body)).Is(429, "rate_limit.exceeded")["level"]!);

        (await tenant.Operator.PutAsync($"/api/teams/{tenant.TeamId}", """{"limits":{}}""")).Is(200);
        (await tenant.Team.PostAsync(path, body)).Is(200);
    }

    private static async Task<Sent> SendAsync(ApiClient client, string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        using var response = await client.SendRawAsync(request);
        return new(
            (int)response.StatusCode, await response.Content.ReadAsStringAsync(),
            response.Headers.ToDictionary(header => header.Key, header => header.Value.First(), StringComparer.OrdinalIgnoreCase));
    }

    private async Task<Tenant> ReadyAsync(string limits)
    {
        var tenant = await Tenant.CreateAsync(fixture, 10, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);
        (await tenant.Operator.PutAsync($"/api/teams/{tenant.TeamId}", $$"""{"limits":{{limits}}}""")).Is(200);
        return tenant;
    }

    private sealed record Sent(int Status, string Text, Dictionary<string, string> Headers);
}
