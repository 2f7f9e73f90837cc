using System.Text.Json.Nodes;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>A refusal names a job where there is one, and only there.</summary>
public sealed class RefusedJobTests(AppFixture fixture)
{
    [Theory]
    [InlineData("/v1/chat/completions", "", 402)]
    [InlineData("/v1/chat/completions", ",\"stream\":true", 402)]
    [InlineData("/v1/chat/completions", ",\"fallbacks\":[]", 400)]
    [InlineData("/api/jobs/create-and-call", ",\"job_type\":\"test\"", 402)]
    [InlineData("/api/jobs/create-and-call-stream", ",\"job_type\":\"test\"", 402)]
    [InlineData("/api/jobs/create-and-call", ",\"job_type\":\"test\",\"fallbacks\":[]", 400)]
    public async Task Where_none_was_opened_none_is_named(string path, string fields, int status)
    {
        var tenant = await Tenant.CreateAsync(fixture, 0, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);

        Assert.Equal((status, null, null), await JobsAsync(tenant, path, fields));
    }

    [Theory]
    [InlineData("/v1/chat/completions", "")]
    [InlineData("/v1/chat/completions", ",\"stream\":true")]
    [InlineData("/api/jobs/create-and-call", ",\"job_type\":\"test\"")]
    [InlineData("/api/jobs/create-and-call-stream", ",\"job_type\":\"test\"")]
    public async Task Of_a_failed_call_the_job_can_be_read(string path, string fields)
    {
        var tenant = await Tenant.CreateAsync(fixture, 1, "mock/500");
        await tenant.WaitForKeyAsync(fixture);

        var (status, header, member) = await JobsAsync(tenant, path, fields);

        Assert.Equal(502, status);
        Assert.Equal("failed", (string)(await tenant.Team.GetAsync($"/api/jobs/{header ?? member}")).Is(200)["status"]!);
    }

    [Fact]
    public async Task The_job_that_a_request_joins_is_named_whatever_becomes_of_it()
    {
        var tenant = await Tenant.CreateAsync(fixture, 1, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);
        var job = await tenant.OpenJobAsync();
        (await tenant.CompleteAsync(job)).Is(200);

        Assert.Equal((409, job, null), await JobsAsync(tenant, "/v1/chat/completions", "", job));
    }

    private static async Task<(int Status, string? Header, string? Member)> JobsAsync(Tenant tenant, string path, string fields, string? join = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(tenant.CallBody(path, fields), System.Text.Encoding.UTF8, "application/json"),
        };
        if (join is not null)
        {
            request.Headers.Add("X-Job-Id", join);
        }

        using var response = await tenant.Team.SendRawAsync(request);
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        return (
            (int)response.StatusCode, response.Headers.TryGetValues("x-job-id", out var ids) ? ids.Single() : null,
            (string?)(answer["error"] as JsonObject ?? answer)["job_id"]);
    }
}
