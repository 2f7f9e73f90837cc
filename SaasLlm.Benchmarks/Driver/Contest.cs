namespace SaasLlm.Benchmarks.Driver;

/// <summary>One thing that is measured, at one number of callers.</summary>
/// <param name="Name">As the table shows it.</param>
/// <param name="Baseline">The contestant of the same run whose rate the ratio is to; null for a baseline.</param>
/// <param name="RunAsync">Works for so long.</param>
internal sealed record Contestant(
    string Name, int Callers, string? Baseline, Func<TimeSpan, CancellationToken, Task<LoopResult>> RunAsync)
{
    /// <summary>False where it warms up by itself.</summary>
    public bool WarmsUp { get; init; } = true;
}

/// <summary>The medians over a contestant's rounds.</summary>
internal sealed record Score(
    Contestant Contestant, double PerSecond, TimeSpan P50, TimeSpan P99, TimeSpan P999, long Failed, double Seconds,
    IReadOnlyDictionary<string, ProcessUse> Use);

/// <summary>Runs the contestants in turn, round after round: what disturbs the machine disturbs all of them.</summary>
/// <param name="settle">
/// How long each contestant works before the first round, at its most callers: a service compiles its code anew while it learns
/// what is hot, and no installation is measured in its first minute.
/// </param>
internal sealed class Contest(int rounds, TimeSpan settle, TimeSpan warmUp, TimeSpan duration)
{
    public async Task<IReadOnlyList<Score>> RunAsync(IReadOnlyList<Contestant> contestants, CancellationToken cancellation)
    {
        var results = contestants.ToDictionary(contestant => contestant, _ => new List<(LoopResult Loop, IReadOnlyDictionary<string, ProcessUse> Use)>());
        foreach (var contestant in contestants.Where(contestant => contestant.WarmsUp).GroupBy(contestant => contestant.Name).Select(same => same.MaxBy(one => one.Callers)!))
        {
            await contestant.RunAsync(settle, cancellation);
        }

        for (var round = 1; round <= rounds; round++)
        {
            foreach (var contestant in contestants)
            {
                cancellation.ThrowIfCancellationRequested();
                if (contestant.WarmsUp && warmUp > TimeSpan.Zero)
                {
                    await contestant.RunAsync(warmUp, cancellation);
                }

                await using var meter = new ProcessMeter();
                var loop = await contestant.RunAsync(duration, cancellation);
                results[contestant].Add((loop, await meter.StopAsync()));
                await Console.Error.WriteLineAsync(
                    $"round {round}/{rounds}  {contestant.Name,-28} {contestant.Callers,4} callers  {loop.Done / loop.Elapsed.TotalSeconds,9:F0}/s  p99 {loop.Latency.Percentile(0.99).TotalMilliseconds,8:F2} ms");
            }
        }

        return [.. results.Select(entry => Summarise(entry.Key, entry.Value))];
    }

    private static Score Summarise(Contestant contestant, List<(LoopResult Loop, IReadOnlyDictionary<string, ProcessUse> Use)> rounds)
    {
        var names = rounds.SelectMany(round => round.Use.Keys).Distinct();
        return new(
            contestant,
            Median(rounds.Select(round => round.Loop.Done / round.Loop.Elapsed.TotalSeconds)),
            MedianOf(0.5), MedianOf(0.99), MedianOf(0.999),
            rounds.Sum(round => round.Loop.Failed),
            Median(rounds.Select(round => round.Loop.Elapsed.TotalSeconds)),
            names.ToDictionary(name => name, name => new ProcessUse(
                Median(rounds.Select(round => round.Use.GetValueOrDefault(name).CpuSeconds)),
                rounds.Max(round => round.Use.GetValueOrDefault(name).PeakBytes))));

        TimeSpan MedianOf(double share) => TimeSpan.FromMicroseconds(Median(rounds.Select(round => round.Loop.Latency.Percentile(share).TotalMicroseconds)));
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
