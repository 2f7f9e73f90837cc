using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Benchmarks.Gateway;

/// <summary>What a run of <see cref="GatewayVerb"/> measures.</summary>
internal sealed record GatewayFlags
{
    public GatewayFlags(string[] args)
    {
        var flags = new Flags(args);
        Callers = flags.Numbers("callers", 1, 32, 256);
        PromptKilobytes = flags.Numbers("prompts", 1, 50);
        StreamCallers = flags.Numbers("stream-callers", 1, 32);
        Beside = flags.Text("beside");
        Only = flags.Words("only");
        OpenStreams = flags.Number("streams", 1000);
        Teams = flags.Number("teams", 64);
        UpstreamPort = flags.Number("upstream-port", 0);
        Peer = flags.Text("peer") is { } peer ? new Uri(peer) : null;
        PeerName = flags.Text("peer-name") ?? "peer";
        PeerPath = flags.Text("peer-path") ?? "/v1/chat/completions";
        PeerHeaders = [.. flags.Words("peer-header").Select(Header)];
        PeerProcess = flags.Number("peer-pid", 0);
        PeerStreams = flags.Text("peer-streams") != "false";
        Statements = flags.Text("statements") == "true";
        Report = flags.Text("report");
        Contest = new(flags.Number("rounds", 3), flags.Seconds("settle", 30), flags.Seconds("warm-up", 1), flags.Seconds("seconds", 3));
        flags.RefuseUnknown();
    }

    public int[] Callers { get; }

    public int[] PromptKilobytes { get; }

    public int[] StreamCallers { get; }

    /// <summary>The folder of another build of the API, which is measured beside this one on the same stores.</summary>
    public string? Beside { get; }

    /// <summary>The contestants, where not all run.</summary>
    public string[] Only { get; }

    /// <summary>How many streams are open at once when memory is measured; 0: it is not.</summary>
    public int OpenStreams { get; }

    public int Teams { get; }

    /// <summary>0: any free one.</summary>
    public int UpstreamPort { get; }

    public Uri? Peer { get; }

    public string PeerName { get; }

    public string PeerPath { get; }

    /// <summary>Each as <c>name: value</c>; <c>{upstream}</c> stands for the upstream's address.</summary>
    public IReadOnlyList<string> PeerHeaders { get; }

    /// <summary>Whose CPU and memory are counted as the peer's; 0: nobody's.</summary>
    public int PeerProcess { get; }

    /// <summary>False: the peer is asked for whole answers only.</summary>
    public bool PeerStreams { get; }

    public bool Statements { get; }

    public string? Report { get; }

    public Contest Contest { get; }

    private static string Header(string text)
        => text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at
            ? $"{text[..at]}: {text[(at + 1)..]}"
            : throw new ArgumentException($"--peer-header {text}: headers are name=value, several with commas between.");
}
