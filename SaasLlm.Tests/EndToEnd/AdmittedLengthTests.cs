using System.Text.Json.Nodes;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>A refused call names the largest <c>max_tokens</c> that would pass now: it does, and one more does not.</summary>
public sealed class AdmittedLengthTests(AppFixture fixture)
{
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Say hello.\"}]";

    public static TheoryData<string, string> Ways
    {
        get
        {
            var ways = new TheoryData<string, string>();
            foreach (var mode in new[] { "consumption_usd", "consumption_tokens", "max_cost_usd" })
            {
                ways.Add(mode, "/api/jobs/JOB/llm-call");
                ways.Add(mode, "/api/jobs/JOB/llm-call-stream");
                ways.Add(mode, "/api/jobs/create-and-call");
                ways.Add(mode, "/v1/chat/completions");
                ways.Add(mode, "/v1/responses");
            }

            return ways;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task The_number_passes_and_one_more_does_not(string mode, string path)
    {
        var (tenant, type) = await TenantAsync(mode);
        // Each call gets a job of its own, so that nothing is used before it.
        var refused = await CallAsync(tenant, path, type, "");

        var (status, code) = mode == "max_cost_usd" ? (429, "jobs.limit") : (402, "credits.insufficient");
        Assert.Equal((status, code), (refused.Status, (string?)refused.Details["code"]));
        var admitted = (int)refused.Details["max_tokens_admitted"]!;
        Assert.InRange(admitted, 10, 4095);
        var more = await CallAsync(tenant, path, type, admitted + 1);
        Assert.Equal((status, admitted), (more.Status, (int)more.Details["max_tokens_admitted"]!));
        Assert.Equal(200, (await CallAsync(tenant, path, type, admitted)).Status);
    }

    [Fact]
    public async Task Where_even_the_prompt_or_the_opening_is_too_much_it_is_zero()
    {
        var (tenant, type) = await TenantAsync("consumption_tokens");
        var stop = new string('x', 60_000);
        var refused = await CallAsync(tenant, "/v1/chat/completions", type, $",\"user\":\"u\",\"stop\":\"{stop}\"");
        Assert.Equal((402, 0), (refused.Status, (int)refused.Details["max_tokens_admitted"]!));

        await tenant.OpenJobAsync();
        (await tenant.Operator.PostAsync($"/api/credits/teams/{tenant.TeamId}/adjust", """{"credits":-9,"reason":"test"}""")).Is(200);
        var closed = await CallAsync(tenant, "/v1/chat/completions", type, 1);
        Assert.Equal((402, 0), (closed.Status, (int)closed.Details["max_tokens_admitted"]!));
    }

    private static Task<(int Status, JsonNode Details)> CallAsync(Tenant tenant, string path, string type, int maxTokens)
        => CallAsync(tenant, path, type, $",\"{(path == "/v1/responses" ? "max_output_tokens" : "max_tokens")}\":{maxTokens}");

    private static async Task<(int Status, JsonNode Details)> CallAsync(Tenant tenant, string path, string type, string fields)
    {
        var isOneShot = path == "/api/jobs/create-and-call";
        if (path.Contains("JOB", StringComparison.Ordinal))
        {
            var job = (string)(await tenant.Team.PostAsync("/api/jobs/create", $$"""{"job_type":"{{type}}"}""")).Is(200)["job_id"]!;
            var inJob = await PostAsync(path.Replace("JOB", job, StringComparison.Ordinal), $$"""{"model_group":"{{tenant.Group}}",{{Messages}}{{fields}}}""");
            (await tenant.Team.PostAsync($"/api/jobs/{job}/cancel", "{}")).Is(200);
            return inJob;
        }

        var input = path == "/v1/responses" ? "\"input\":\"Say hello.\"" : Messages;
        return isOneShot
            ? await PostAsync(path, $$"""{"model_group":"{{tenant.Group}}","job_type":"{{type}}",{{input}}{{fields}}}""")
            : await PostAsync(path, $$"""{"model":"{{tenant.Group}}",{{input}}{{fields}}}""");

        async Task<(int, JsonNode)> PostAsync(string to, string body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, to) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
            request.Headers.Add("X-Job-Type", type);
            using var response = await tenant.Team.SendRawAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            var answer = response.IsSuccessStatusCode ? new JsonObject() : JsonNode.Parse(text)!;
            return ((int)response.StatusCode, answer["error"] as JsonObject ?? answer);
        }
    }

    private async Task<(Tenant Tenant, string JobType)> TenantAsync(string mode)
    {
        var tenant = await Tenant.CreateAsync(fixture, 10, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);
        var type = $"type-{Guid.NewGuid():N}"[..24];
        (await tenant.Operator.PostAsync("/api/job-types/create", $$"""{"name":"{{type}}"{{(mode == "max_cost_usd" ? ",\"max_cost_usd\":0.05" : "")}}}""")).Is(200);
        if (mode != "max_cost_usd")
        {
            (await tenant.Operator.SendAsync(HttpMethod.Patch, $"/api/credits/teams/{tenant.TeamId}/budget-mode", $$"""
                {"budget_mode":"{{mode}}","credits_per_dollar":133,"tokens_per_credit":173,"credit_increment":0.75,"markup_percent":7.5}
                """)).Is(200);
        }

        return (tenant, type);
    }
}
