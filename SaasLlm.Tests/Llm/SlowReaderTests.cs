using System.Text;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Llm;

/// <summary>A client that stays and does not read, over HTTP: it is told that it did not get all, and pays for it.</summary>
public sealed class SlowReaderTests(AppFixture app)
{
    [Theory]
    [InlineData(null)]
    [InlineData("key-1")]
    public async Task A_client_that_reads_too_slowly_is_told_so_and_charged(string? key)
    {
        var stores = await app.StoresAsync();
        await using var gateway = await StubGateway.StartAsync();
        var chunk = $$"""{"choices":[{"index":0,"delta":{"content":"{{new string('x', 64 * 1024)}}"} }]}""";
        gateway.Answer = (http, _) => StubGateway.Events(http,
            [.. Enumerable.Repeat(chunk, 400), """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}""", "[DONE]"]);
        await using var api = await StubbedApi.StartAsync(await stores.CreateDatabaseAsync(), stores.Redis, gateway, TimeSpan.FromSeconds(8));
        var (team, id, group) = await StubbedApi.TeamAsync(api);
        var body = $$"""{"model":"{{group}}","stream":true,"messages":[{"role":"user","content":"x"}]}""";
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var response = await team.SendRawAsync(request);
        Assert.Equal(200, (int)response.StatusCode);
        await Eventually.IsSoAsync(
            async () => (decimal)(await api.Operator.GetAsync($"/api/credits/teams/{id}/balance")).Is(200)["credits_used"]! > 0, () => "the call never ended");

        var text = await response.Content.ReadAsStringAsync();

        Assert.Contains("\"code\":\"llm.read_too_slowly\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        Assert.InRange(text.Length, 64 * 1024, 399 * 64 * 1024);
        if (key is not null)
        {
            // It is charged: a repeat would be charged again.
            var again = await team.PostOnceAsync("/v1/chat/completions", body, key);
            Assert.Equal(("true", text), (again.Replayed, again.Text));
            Assert.Single(gateway.Requests);
        }
    }
}
