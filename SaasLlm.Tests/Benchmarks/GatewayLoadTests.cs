using SaasLlm.Benchmarks.Gateway;
using SaasLlm.Benchmarks.Gateway.Servers;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Benchmarks;

/// <summary>What the verb <c>gateway</c> measures with: the upstream, the bare pass-through, and the load on them.</summary>
public sealed class GatewayLoadTests
{
    private const int Callers = 8;

    [Fact]
    public async Task Calls_and_streams_are_answered_directly_and_through_the_pass_through()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var (upstream, address) = await ServerHost.StartAsync("upstream", 0, cancellation);
        await using var first = upstream;
        var (bare, bareAddress) = await ServerHost.StartAsync("pass-through", 0, cancellation, "--upstream", address.ToString());
        await using var second = bare;
        using var direct = new GatewayTarget("direct", address, "/v1/chat/completions", ["sk-any"]);
        using var through = new GatewayTarget("through", bareAddress, "/v1/chat/completions", ["sk-any"]);

        foreach (var target in new[] { direct, through })
        {
            var calls = await target.CallAsync(Callers, 50_000, TimeSpan.Zero, cancellation);
            Assert.Equal((Callers, 0), (calls.Done, calls.Failed));

            // The first byte is there long before the stream's end; a machine that stands still at the beginning sees that with the next ones.
            await Eventually.IsSoAsync(
                async () =>
                {
                    var streams = await target.StreamAsync(Callers, UpstreamVerb.QuickModel, TimeSpan.Zero, cancellation);
                    Assert.Equal((Callers, 0), (streams.Done, streams.Failed));
                    Assert.True(streams.Elapsed >= UpstreamVerb.QuickGap * UpstreamVerb.Chunks);
                    return streams.Latency.Percentile(0.5) < streams.Elapsed / 2;
                },
                () => $"The first bytes of {target.Name} came late");
        }

        using var wrong = new GatewayTarget("wrong", bareAddress, "/not/there", ["sk-any"]);
        Assert.Equal(Callers, (await wrong.CallAsync(Callers, 1000, TimeSpan.Zero, cancellation)).Failed);
    }

    [Fact]
    public void A_peers_headers_are_read_and_an_unknown_flag_is_refused()
    {
        var flags = new GatewayFlags(["--peer", "http://127.0.0.1:1", "--peer-header", "x-a=openai,x-b={upstream}/v1?k=v"]);

        Assert.Equal(["x-a: openai", "x-b: {upstream}/v1?k=v"], flags.PeerHeaders);
        Assert.Throws<ArgumentException>(() => new GatewayFlags(["--peer-header", "nothing"]));
        Assert.Throws<ArgumentException>(() => new GatewayFlags(["--caller", "1"]));
    }
}
