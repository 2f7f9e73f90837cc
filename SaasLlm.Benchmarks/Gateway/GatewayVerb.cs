using SaasLlm.Benchmarks.Driver;
using SaasLlm.Benchmarks.Gateway.Servers;
using SaasLlm.Benchmarks.Stack;

namespace SaasLlm.Benchmarks.Gateway;

/// <summary>
/// Chat completions through the API with everything on (key, limits, hold, two durable commits, rows, settlement), beside the same requests
/// sent to the upstream directly, through a bare pass-through, and through another gateway.
/// </summary>
internal sealed class GatewayVerb : IVerb
{
    public const string Direct = "direct";
    public const string PassThrough = "pass-through";
    public const string Ours = "ours";

    public string Usage => """
        chat completions through the API beside a bare pass-through and another gateway
                 [--callers 1,32,256 --prompts 1,50 (kB) --stream-callers 1,32 --streams 1000 --teams 64 --rounds 3 --settle 30 --warm-up 1 --seconds 3]
                 [--peer url --peer-name n --peer-path /v1/chat/completions --peer-header name=value,… ({upstream}: its address)]
                 [--peer-pid n --peer-streams false --only direct,pass-through,ours,… --beside folder --upstream-port n --statements true --report file.md]
        """;

    public async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var flags = new GatewayFlags(args);
        var (upstream, upstreamAddress) = await ServerHost.StartAsync("upstream", flags.UpstreamPort, cancellation);
        await using var upstreamProcess = upstream;
        var (bare, bareAddress) = await ServerHost.StartAsync("pass-through", 0, cancellation, "--upstream", upstreamAddress.ToString());
        await using var bareProcess = bare;
        await using var stack = await BenchmarkStack.StartAsync(upstreamAddress, cancellation, flags.Statements ? [StatementCosts.Setting] : []);
        var keys = await GatewayTenants.CreateAsync(stack.Api, flags.Teams, cancellation);

        const string path = "/v1/chat/completions";
        using var direct = new GatewayTarget(Direct, upstreamAddress, path, keys);
        using var passThrough = new GatewayTarget(PassThrough, bareAddress, path, keys);
        using var ours = new GatewayTarget(Ours, stack.Api, path, keys);
        var (other, otherAddress) = flags.Beside is { } folder ? await ServerHost.StartApiAsync(folder, stack, cancellation) : (null, null);
        await using var otherProcess = other;
        using var beside = otherAddress is null ? null : new GatewayTarget("beside", otherAddress, path, keys);
        using var peer = flags.Peer is null ? null : PeerOf(flags, upstreamAddress, keys);
        GatewayTarget[] all = [direct, passThrough, ours, .. new[] { beside, peer }.OfType<GatewayTarget>()];
        var targets = Array.FindAll(all, target => flags.Only.Length == 0 || flags.Only.Contains(target.Name));
        ProcessMeter.Also(flags.PeerProcess, GatewayReport.Peer);
        if (flags.Statements)
        {
            await StatementCosts.StartAsync(stack.Postgres, cancellation);
        }

        var calls = await flags.Contest.RunAsync([.. CallsOf(targets, flags)], cancellation);
        var streams = await flags.Contest.RunAsync([.. StreamsOf(targets, flags)], cancellation);
        Array.ForEach(targets, target => target.Close());
        var open = flags.OpenStreams > 0 ? await OpenStreams.RunAsync(ours, flags.OpenStreams, cancellation) : null;
        var mismatches = await Mismatches.CountAsync(stack.Postgres, cancellation);

        var report = new GatewayReport(flags, calls, streams, open, mismatches);
        Console.WriteLine(report.ToText());
        if (flags.Statements)
        {
            Console.WriteLine((await StatementCosts.ReadAsync(stack.Postgres, cancellation)).ToText());
        }

        if (Attempt.FirstFailure is { } failure)
        {
            Console.WriteLine($"first failure: {failure}");
        }

        if (flags.Report is { } file)
        {
            await File.WriteAllTextAsync(file, report.ToMarkdown(), cancellation);
        }

        return mismatches == 0 && calls.Concat(streams).All(score => score.Failed == 0) && open?.Failed is null or 0 ? 0 : 1;
    }

    private static GatewayTarget PeerOf(GatewayFlags flags, Uri upstream, IReadOnlyList<string> keys)
        => new(
            flags.PeerName, flags.Peer!, flags.PeerPath, keys,
            [.. flags.PeerHeaders.Select(header => header.Replace("{upstream}", upstream.ToString().TrimEnd('/'), StringComparison.Ordinal))]);

    private static IEnumerable<Contestant> CallsOf(GatewayTarget[] targets, GatewayFlags flags)
        => from kilobytes in flags.PromptKilobytes
           from callers in flags.Callers
           from target in targets
           select new Contestant(
               $"{target.Name}, {kilobytes} kB", callers, target.Name == PassThrough ? null : $"{PassThrough}, {kilobytes} kB",
               (time, stop) => target.CallAsync(callers, kilobytes * 1000, time, stop));

    private static IEnumerable<Contestant> StreamsOf(GatewayTarget[] targets, GatewayFlags flags)
        => from callers in flags.StreamCallers
           from target in targets
           where target.Name != flags.PeerName || flags.PeerStreams
           select new Contestant(
               $"{target.Name}, stream", callers, target.Name == Direct ? null : $"{Direct}, stream",
               (time, stop) => target.StreamAsync(callers, UpstreamVerb.QuickModel, time, stop));
}
