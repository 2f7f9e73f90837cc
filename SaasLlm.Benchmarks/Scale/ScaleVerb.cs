using SaasLlm.Benchmarks.Driver;
using SaasLlm.Benchmarks.Stack;

namespace SaasLlm.Benchmarks.Scale;

/// <summary>The same work on small and on large tables, and on accounts with room for one hold and for any number.</summary>
internal sealed class ScaleVerb : IVerb
{
    private const string Baseline = "pgbench -N";

    public string Usage => """
        latency at few and at many jobs, deductions and calls, and of a team with room for one hold
                 [--small 10000 --large 10000000 --teams 256 --callers 16 --rate 200 --rounds 5 --settle 8 --warm-up 1 --seconds 6 --report file.md]
        """;

    public async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var flags = new Flags(args);
        var (small, large) = (flags.Number("small", 10_000), flags.Number("large", 10_000_000));
        var (teams, callers, rate) = (flags.Number("teams", 256), flags.Number("callers", 16), flags.Number("rate", 200));
        var contest = new Contest(flags.Number("rounds", 5), flags.Seconds("settle", 8), flags.Seconds("warm-up", 1), flags.Seconds("seconds", 6));
        var report = flags.Text("report");
        flags.RefuseUnknown();

        await using var stack = await BenchmarkStack.StartAsync(cancellation);
        using var pgbench = await Pgbench.PrepareAsync(stack.Postgres, scale: 50, cancellation);
        using var few = await ScaleDatabase.CreateAsync(stack, "small", teams, small, cancellation);
        using var many = await ScaleDatabase.CreateAsync(stack, "large", teams, large, cancellation);
        var full = await few.CreateTeamsAsync("full", callers, 1_000_000, cancellation);
        var tight = await few.CreateTeamsAsync("tight", callers, 1, cancellation);

        var scores = await contest.RunAsync(
            [
                new(Baseline, callers, null, (time, stop) => pgbench.RunAsync(callers, time, stop)) { WarmsUp = false },
                Closed($"{small:N0} jobs", few.Ledger.PairsOf(few.Teams)),
                Closed($"{large:N0} jobs", many.Ledger.PairsOf(many.Teams)),
                Open($"{small:N0} jobs, {rate}/s", few.Ledger.PairsOf(few.Teams)),
                Open($"{large:N0} jobs, {rate}/s", many.Ledger.PairsOf(many.Teams)),
                Closed("full balance", caller => few.Ledger.ReleasedPairAsync(full[caller])),
                Closed("room for one hold", caller => few.Ledger.ReleasedPairAsync(tight[caller])),
            ],
            cancellation);

        var mismatches = await few.MismatchesAsync(cancellation) + await many.MismatchesAsync(cancellation);
        var table = Report.Of(scores, mismatches);
        Console.WriteLine(table.ToText());
        List<string> notes =
        [
            $"loading took {few.Loading.TotalSeconds:F0} s and {many.Loading.TotalSeconds:F0} s",
            P99("closed loop, large × small", scores[2], scores[1], 1.5),
            P99($"open loop at {rate}/s, large × small", scores[4], scores[3], 1.5),
            P99("room for one hold × full balance", scores[6], scores[5], 1.1),
            $"{(mismatches == 0 ? "met   " : "MISSED")}  ledger mismatches: {mismatches} (goal 0)",
        ];
        notes.ForEach(Console.WriteLine);
        if (Attempt.FirstFailure is { } failure)
        {
            Console.WriteLine($"first failure: {failure}");
        }

        if (report is not null)
        {
            await File.WriteAllTextAsync(report, $"{table.ToMarkdown()}\n{string.Concat(notes.Select(note => $"- {note}\n"))}", cancellation);
        }

        return mismatches == 0 && scores.All(score => score.Failed == 0) ? 0 : 1;

        Contestant Closed(string name, Operation operation)
            => new(name, callers, Baseline, (time, stop) => ClosedLoop.RunAsync(callers, time, operation, stop));

        Contestant Open(string name, Operation operation)
            => new(name, callers, Baseline, (time, stop) => OpenLoop.RunAsync(rate, time, operation, stop));
    }

    private static string P99(string what, Score score, Score reference, double atMost)
        => Report.Bound($"p99, {what}", score.P99 / reference.P99, atMost);
}
