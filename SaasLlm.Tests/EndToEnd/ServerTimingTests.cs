using System.Globalization;
using System.Text.RegularExpressions;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>How an answer's time was spent, in its header.</summary>
public sealed partial class ServerTimingTests(AppFixture fixture)
{
    [Theory]
    [InlineData("/api/jobs/JOB/llm-call", "")]
    [InlineData("/api/jobs/JOB/llm-call-stream", "")]
    [InlineData("/api/jobs/create-and-call", ",\"job_type\":\"test\"")]
    [InlineData("/api/jobs/create-and-call-stream", ",\"job_type\":\"test\"")]
    [InlineData("/v1/chat/completions", "")]
    [InlineData("/v1/chat/completions", ",\"stream\":true")]
    public async Task The_gateways_time_and_ours_are_told_apart(string path, string fields)
    {
        var tenant = await Tenant.CreateAsync(fixture, 10, "mock/slow-500ms");
        await tenant.WaitForKeyAsync(fixture);
        path = path.Replace("JOB", await tenant.OpenJobAsync(), StringComparison.Ordinal);

        var (upstream, overhead) = await TimingAsync(tenant, path, tenant.CallBody(path, fields), 200);

        Assert.InRange(upstream, 500, 60_000);
        Assert.InRange(overhead, 0.001, 60_000);
    }

    [Fact]
    public async Task A_refusal_that_asked_no_gateway_waited_for_none()
    {
        var tenant = await Tenant.CreateAsync(fixture, 0, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);

        var (upstream, overhead) = await TimingAsync(tenant, "/v1/chat/completions", tenant.CallBody("/v1/chat/completions"), 402);

        Assert.Equal(0, upstream);
        Assert.InRange(overhead, 0.001, 60_000);
    }

    private static async Task<(double Upstream, double Overhead)> TimingAsync(Tenant tenant, string path, string body, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        using var response = await tenant.Team.SendRawAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        var timing = Shape().Match(Assert.Single(response.Headers.GetValues("Server-Timing")));
        Assert.True(timing.Success);
        return (Milliseconds(timing.Groups[1]), Milliseconds(timing.Groups[2]));
    }

    private static double Milliseconds(Group text) => double.Parse(text.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^upstream;dur=([0-9.]+), overhead;dur=([0-9.]+)$")]
    private static partial Regex Shape();
}
