using System.Globalization;

namespace SaasLlm.Benchmarks.Driver;

/// <summary>What every benchmark prints: the scores beside the baseline of the same run, and the ledger's mismatches.</summary>
internal static class Report
{
    private static readonly string[] s_processes = ["driver", "api", "postgres", "redis", "pgbench"];

    public static Table Of(IReadOnlyList<Score> scores, long mismatches)
    {
        var table = new Table(
            "what", "callers", "per second", "ratio", "p50 ms", "p99 ms", "p99.9 ms", "failed", "mismatches", "CPU µs each",
            "CPU s " + string.Join('/', s_processes), "peak MB");
        foreach (var score in scores.OrderBy(score => score.Contestant.Callers))
        {
            table.Add(
                score.Contestant.Name,
                Text(score.Contestant.Callers, "0"),
                Text(score.PerSecond, "0"),
                Ratio(score, scores) is { } ratio ? Text(ratio, "0.00") : "baseline",
                Text(score.P50.TotalMilliseconds, "0.00"),
                Text(score.P99.TotalMilliseconds, "0.00"),
                Text(score.P999.TotalMilliseconds, "0.00"),
                Text(score.Failed, "0"),
                score.Contestant.Baseline is null ? "" : Text(mismatches, "0"),
                Text(CpuEach(score).TotalMicroseconds, "0"),
                string.Join('/', s_processes.Select(name => Text(score.Use.GetValueOrDefault(name).CpuSeconds, "0.0"))),
                string.Join('/', s_processes.Select(name => Text(score.Use.GetValueOrDefault(name).PeakBytes / 1e6, "0"))));
        }

        return table;
    }

    /// <summary>To its baseline at the same number of callers; null for a baseline.</summary>
    public static double? Ratio(Score score, IReadOnlyList<Score> scores)
        => scores.FirstOrDefault(other => other.Contestant.Name == score.Contestant.Baseline && other.Contestant.Callers == score.Contestant.Callers) is { } baseline
            ? score.PerSecond / baseline.PerSecond
            : null;

    /// <summary>What one operation cost all processes together: says the same on a busy machine as on an idle one.</summary>
    private static TimeSpan CpuEach(Score score)
        => TimeSpan.FromSeconds(s_processes.Sum(name => score.Use.GetValueOrDefault(name).CpuSeconds) / Math.Max(1, score.PerSecond * score.Seconds));

    public static string Goal(string what, double value, double atLeast)
        => string.Create(CultureInfo.InvariantCulture, $"{(value >= atLeast ? "met   " : "MISSED")}  {what}: {value:0.00} (goal {atLeast:0.00})");

    public static string Bound(string what, double value, double atMost)
        => string.Create(CultureInfo.InvariantCulture, $"{(value <= atMost ? "met   " : "MISSED")}  {what}: {value:0.00} (goal at most {atMost:0.00})");

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}
