using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>Streams with an Idempotency-Key: one call, one charge, the same answer again.</summary>
public sealed class KeyedStreamTests(AppFixture fixture)
{
    [Theory]
    [InlineData("/v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]")]
    [InlineData("/v1/responses", "\"input\":\"x\"")]
    [InlineData("/v1/completions", "\"prompt\":\"x\"")]
    public async Task A_repeated_stream_is_the_first_one_and_is_charged_once(string path, string fields)
    {
        var tenant = await Tenant.CreateAsync(fixture, 3, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);
        var (body, key) = ($$"""{"model":"{{tenant.Group}}",{{fields}},"stream":true}""", Guid.NewGuid().ToString());

        var first = (await tenant.Team.PostOnceAsync(path, body, key)).Is(200);
        var again = (await tenant.Team.PostOnceAsync(path, body, key)).Is(200);

        Assert.Equal((null, "true", "text/event-stream"), (first.Replayed, again.Replayed, again.ContentType));
        Assert.Equal(first.Text, again.Text);
        Assert.EndsWith("\n\n", first.Text, StringComparison.Ordinal);
        Assert.Equal(2, (decimal)(await tenant.BalanceAsync())["credits_remaining"]!);
    }
}
