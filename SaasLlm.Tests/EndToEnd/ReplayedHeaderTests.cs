using System.Text;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>A repeat of a keyed call is told all that the first one was: its job, its call, what it cost.</summary>
public sealed class ReplayedHeaderTests(AppFixture fixture)
{
    // These tell of the one exchange.
    private static readonly string[] s_ofTheExchange = ["Date", "Server", "Server-Timing", "Idempotent-Replayed", "Transfer-Encoding", "Cache-Control", "X-Accel-Buffering"];

    [Theory]
    [InlineData("/v1/chat/completions", "", 3, 200, "x-call-id x-credits-charged x-credits-remaining x-job-id")]
    [InlineData("/v1/chat/completions", ",\"stream\":true", 3, 200, "x-call-id x-job-id")]
    [InlineData("/v1/chat/completions", "", 0, 402, "x-should-retry")]
    [InlineData("/v1/chat/completions", ",\"fallbacks\":[]", 3, 400, "")]
    [InlineData("/api/jobs/create-and-call", ",\"job_type\":\"test\"", 3, 200, "x-call-id")]
    public async Task The_second_answer_has_the_headers_of_the_first(string path, string fields, int credits, int status, string expected)
    {
        var tenant = await Tenant.CreateAsync(fixture, credits, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);
        var key = Guid.NewGuid().ToString();

        var first = await SendAsync(tenant, path, fields, key);
        var second = await SendAsync(tenant, path, fields, key);

        Assert.Equal((status, status, null, "true"), (first.Status, second.Status, first.Replayed, second.Replayed));
        Assert.Equal(expected, string.Join(' ', first.Headers.Keys.Where(name => name.StartsWith("x-", StringComparison.OrdinalIgnoreCase))));
        Assert.Equal(first.Headers, second.Headers);
    }

    private static async Task<(int Status, string? Replayed, SortedDictionary<string, string> Headers)> SendAsync(Tenant tenant, string path, string fields, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(tenant.CallBody(path, fields), Encoding.UTF8, "application/json"),
            Headers = { { "Idempotency-Key", key } },
        };
        using var response = await tenant.Team.SendRawAsync(request);
        await response.Content.ReadAsStringAsync();
        var headers = new SortedDictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in response.Headers.Concat(response.Content.Headers).Where(header
            => !s_ofTheExchange.Contains(header.Key) && !header.Key.StartsWith("x-ratelimit-", StringComparison.OrdinalIgnoreCase) && header.Key != "Content-Length"))
        {
            headers[name] = string.Join(',', values);
        }

        return ((int)response.StatusCode, response.Headers.TryGetValues("Idempotent-Replayed", out var replayed) ? replayed.Single() : null, headers);
    }
}
