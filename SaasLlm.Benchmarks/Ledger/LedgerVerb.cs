using SaasLlm.Benchmarks.Driver;
using SaasLlm.Benchmarks.Stack;

namespace SaasLlm.Benchmarks.Ledger;

/// <summary>Hold and settle, in process and through HTTP, over many teams and on one, beside <c>pgbench -N</c>.</summary>
internal sealed class LedgerVerb : IVerb
{
    private const string Baseline = "pgbench -N";
    private const string InProcess = "in process, many teams";
    private const string InProcessHot = "in process, one hot team";
    private const string Http = "HTTP, many teams";
    private const string HttpHot = "HTTP, one hot team";

    public string Usage => """
        hold+settle pairs a second beside pgbench -N
                 [--callers 1,16,64,256 --teams 256 --rounds 3 --settle 8 --warm-up 1 --seconds 3 --scale 50 --only in-process,http --report file.md]
                 [--variant Ledger:Name=value: the ledger in process with another setting, beside itself] [--statements true: what Postgres did]
        """;

    public async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var flags = new Flags(args);
        var callers = flags.Numbers("callers", 1, 16, 64, 256);
        var teamCount = flags.Number("teams", 256);
        var scale = flags.Number("scale", 50);
        var only = flags.Words("only", "in-process", "http");
        var contest = new Contest(flags.Number("rounds", 3), flags.Seconds("settle", 8), flags.Seconds("warm-up", 1), flags.Seconds("seconds", 3));
        var report = flags.Text("report");
        var variant = flags.Text("variant");
        var statements = flags.Text("statements") == "true";
        flags.RefuseUnknown();

        await using var stack = await BenchmarkStack.StartAsync(cancellation, statements ? [StatementCosts.Setting] : []);
        using var pgbench = await Pgbench.PrepareAsync(stack.Postgres, scale, cancellation);
        var many = await TeamSet.CreateAsync(stack.Api, "many", teamCount, 1_000_000, cancellation);
        var hot = await TeamSet.CreateAsync(stack.Api, "hot", 1, 100_000_000, cancellation);
        string[] manyIds = [.. many.Select(team => team.Id)];
        string[] hotId = [hot[0].Id];
        using var ledger = new LedgerInProcess(stack);
        using var other = variant is null ? null : new LedgerInProcess(stack, variant.Split(','));
        using var http = new LedgerOverHttp(stack.Api, many);
        using var httpHot = new LedgerOverHttp(stack.Api, hot);

        List<Contestant> contestants = [];
        foreach (var count in callers)
        {
            contestants.Add(new(Baseline, count, null, (time, stop) => pgbench.RunAsync(count, time, stop)) { WarmsUp = false });
            if (only.Contains("in-process"))
            {
                contestants.Add(new(InProcess, count, Baseline, (time, stop) => ClosedLoop.RunAsync(count, time, ledger.PairsOf(manyIds), stop)));
                contestants.Add(new(InProcessHot, count, Baseline, (time, stop) => ClosedLoop.RunAsync(count, time, ledger.PairsOf(hotId), stop)));
            }

            if (other is not null)
            {
                contestants.Add(new($"{InProcess}, {variant}", count, Baseline, (time, stop) => ClosedLoop.RunAsync(count, time, other.PairsOf(manyIds), stop)));
                contestants.Add(new($"{InProcessHot}, {variant}", count, Baseline, (time, stop) => ClosedLoop.RunAsync(count, time, other.PairsOf(hotId), stop)));
            }

            if (only.Contains("http"))
            {
                contestants.Add(new(Http, count, Baseline, (time, stop) => http.RunAsync(count, time, stop)));
                contestants.Add(new(HttpHot, count, Baseline, (time, stop) => httpHot.RunAsync(count, time, stop)));
            }
        }

        if (statements)
        {
            await StatementCosts.StartAsync(stack.Postgres, cancellation);
        }

        var scores = await contest.RunAsync(contestants, cancellation);
        var mismatches = await Mismatches.CountAsync(stack.Postgres, cancellation);
        var table = Report.Of(scores, mismatches);
        Console.WriteLine(table.ToText());
        if (statements)
        {
            Console.WriteLine((await StatementCosts.ReadAsync(stack.Postgres, cancellation)).ToText());
        }

        List<string> goals =
        [
            .. Goal(Http, 64, 0.8, scores), .. Goal(InProcess, 64, 2, scores), .. Goal(InProcess, 256, 3.5, scores),
            .. HotGoal(InProcessHot, InProcess, scores), .. HotGoal(HttpHot, Http, scores),
            $"{(mismatches == 0 ? "met   " : "MISSED")}  ledger mismatches: {mismatches} (goal 0)",
        ];
        goals.ForEach(Console.WriteLine);
        if (Attempt.FirstFailure is { } failure)
        {
            Console.WriteLine($"first failure: {failure}");
        }

        if (report is not null)
        {
            await File.WriteAllTextAsync(report, $"{table.ToMarkdown()}\n{string.Concat(goals.Select(goal => $"- {goal}\n"))}", cancellation);
        }

        return mismatches == 0 && scores.All(score => score.Failed == 0) ? 0 : 1;
    }

    private static IEnumerable<string> Goal(string name, int callers, double atLeast, IReadOnlyList<Score> scores)
        => scores.Where(score => score.Contestant.Name == name && score.Contestant.Callers == callers)
            .Select(score => Report.Goal($"{name}, {callers} callers, × pgbench -N", Report.Ratio(score, scores)!.Value, atLeast));

    private static IEnumerable<string> HotGoal(string hot, string many, IReadOnlyList<Score> scores)
        => from one in scores
           where one.Contestant.Name == hot && one.Contestant.Callers >= 64
           let all = scores.Single(score => score.Contestant.Name == many && score.Contestant.Callers == one.Contestant.Callers)
           select Report.Goal($"{hot}, {one.Contestant.Callers} callers, × many teams", one.PerSecond / all.PerSecond, 1);
}
