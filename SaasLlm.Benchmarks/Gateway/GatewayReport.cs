using System.Globalization;
using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Benchmarks.Gateway;

/// <summary>The tables and the goals of design section 11.</summary>
internal sealed class GatewayReport(
    GatewayFlags flags, IReadOnlyList<Score> calls, IReadOnlyList<Score> streams, OpenStreams? open, long mismatches)
{
    /// <summary>What the peer's process is called among the others.</summary>
    public const string Peer = "peer";

    private const int GoalCallers = 32;
    private const int GoalKilobytes = 1;
    private const double MegabytesMax = 512;

    private static readonly string[] s_processes = ["driver", "upstream", "pass-through", "api", "postgres", "redis", Peer];

    public string ToText() => $"{CallTable().ToText()}\n{StreamTable().ToText()}\n{string.Join('\n', Notes())}";

    public string ToMarkdown() => $"{CallTable().ToMarkdown()}\n{StreamTable().ToMarkdown()}\n{string.Concat(Notes().Select(note => $"- {note}\n"))}";

    private Table CallTable()
    {
        var table = new Table(
            "what", "callers", "per second", "× pass-through", "p50 ms", "p99 ms", "failed", "mismatches", "CPU µs each " + string.Join('/', s_processes));
        foreach (var score in calls.OrderBy(score => score.Contestant.Callers))
        {
            table.Add(
                score.Contestant.Name, $"{score.Contestant.Callers}", Text(score.PerSecond, "0"),
                Report.Ratio(score, calls) is { } ratio ? Text(ratio, "0.000") : "",
                Text(score.P50.TotalMilliseconds, "0.00"), Text(score.P99.TotalMilliseconds, "0.00"), $"{score.Failed}",
                IsOurs(score) ? $"{mismatches}" : "", CpuEach(score));
        }

        return table;
    }

    private Table StreamTable()
    {
        var table = new Table(
            "first byte of", "callers", "streams/s", "p50 ms", "p99 ms", "added p50", "added p99", "failed", "mismatches", "CPU µs each " + string.Join('/', s_processes));
        foreach (var score in streams.OrderBy(score => score.Contestant.Callers))
        {
            var direct = streams.FirstOrDefault(other => other.Contestant.Name == score.Contestant.Baseline && other.Contestant.Callers == score.Contestant.Callers);
            table.Add(
                score.Contestant.Name, $"{score.Contestant.Callers}", Text(score.PerSecond, "0"),
                Text(score.P50.TotalMilliseconds, "0.00"), Text(score.P99.TotalMilliseconds, "0.00"),
                direct is null ? "baseline" : Text((score.P50 - direct.P50).TotalMilliseconds, "0.00"),
                direct is null ? "" : Text((score.P99 - direct.P99).TotalMilliseconds, "0.00"),
                $"{score.Failed}", IsOurs(score) ? $"{mismatches}" : "", CpuEach(score));
        }

        return table;
    }

    private IEnumerable<string> Notes()
    {
        if (Find(calls, GatewayVerb.Ours) is { } ours && Find(calls, GatewayVerb.PassThrough) is { } bare)
        {
            yield return Report.Goal($"{GoalCallers} callers, {GoalKilobytes} kB, × pass-through", ours.PerSecond / bare.PerSecond, 0.2);
            if (Find(calls, flags.PeerName) is { } peer)
            {
                yield return Report.Goal($"{GoalCallers} callers, {GoalKilobytes} kB, × {flags.PeerName}", ours.PerSecond / peer.PerSecond, 5);
                yield return Report.Bound($"p99 × {flags.PeerName}'s", ours.P99 / peer.P99, 1);
            }
        }

        foreach (var score in streams.Where(IsOurs))
        {
            var direct = streams.FirstOrDefault(other => other.Contestant.Name == score.Contestant.Baseline && other.Contestant.Callers == score.Contestant.Callers);
            if (direct is null)
            {
                continue;
            }

            yield return Report.Bound($"added time to first byte, p50 ms, {score.Contestant.Callers} callers", (score.P50 - direct.P50).TotalMilliseconds, 2);
        }

        if (open is not null)
        {
            yield return Report.Bound($"MB with {open.Count} streams open", open.Bytes / 1024.0 / 1024.0, MegabytesMax)
                + $"; {open.Failed} failed, first byte p50 {Text(open.FirstByteP50.TotalMilliseconds, "0")} ms, p99 {Text(open.FirstByteP99.TotalMilliseconds, "0")} ms";
        }

        yield return Report.Bound("ledger mismatches", mismatches, 0);
    }

    private static Score? Find(IReadOnlyList<Score> scores, string target)
        => scores.FirstOrDefault(score => score.Contestant.Callers == GoalCallers && score.Contestant.Name == $"{target}, {GoalKilobytes} kB");

    private static bool IsOurs(Score score) => score.Contestant.Name.StartsWith($"{GatewayVerb.Ours},", StringComparison.Ordinal);

    private static string CpuEach(Score score) => string.Join('/', s_processes.Select(name => Text(
        score.Use.GetValueOrDefault(name).CpuSeconds * 1e6 / Math.Max(1, score.PerSecond * score.Seconds), "0")));

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}
