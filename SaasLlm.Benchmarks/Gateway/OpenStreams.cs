using SaasLlm.Benchmarks.Driver;
using SaasLlm.Benchmarks.Gateway.Servers;

namespace SaasLlm.Benchmarks.Gateway;

/// <summary>Many streams that are open at once.</summary>
/// <param name="Bytes">The API's resident memory at its most.</param>
internal sealed record OpenStreams(int Count, long Failed, TimeSpan FirstByteP50, TimeSpan FirstByteP99, long Bytes)
{
    public static async Task<OpenStreams> RunAsync(GatewayTarget target, int count, CancellationToken cancellation)
    {
        await using var meter = new ProcessMeter();
        var loop = await target.StreamAsync(count, UpstreamVerb.SlowModel, TimeSpan.Zero, cancellation);
        var use = await meter.StopAsync();
        return new(count, loop.Failed, loop.Latency.Percentile(0.5), loop.Latency.Percentile(0.99), use.GetValueOrDefault("api").PeakBytes);
    }
}
