using System.Globalization;
using SaasLlm.Benchmarks.Crash.Rig;
using SaasLlm.Benchmarks.Crash.Runners;
using SaasLlm.Benchmarks.Stack;

namespace SaasLlm.Benchmarks.Crash;

/// <summary>The crash matrix: processes and stores die under load, and every invariant is checked afterwards.</summary>
internal sealed class CrashVerb : IVerb
{
    private const int AnswersBetween = 200;

    private static readonly TimeSpan s_runnersPatience = TimeSpan.FromMinutes(3);

    public string Usage => "[--rounds N] [--seed S] [--row name] [--jobs N] [--batch N] [--report file] [--verbose]: kills at every failpoint and of every store, and what held";

    public async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var rounds = Number(args, "--rounds") ?? 1;
        var seed = Number(args, "--seed") ?? Random.Shared.Next(1, 1_000_000);
        var rows = Text(args, "--row") is { } name ? CrashMatrix.All.Where(row => row.Name == name).ToList() : CrashMatrix.Rows;
        if (rows.Count == 0)
        {
            await Console.Error.WriteLineAsync($"There is no row of that name. There are:{Environment.NewLine}{string.Join(Environment.NewLine, CrashMatrix.All.Select(row => $"  {row.Name,-36} {row.What}"))}");
            return 2;
        }

        await using var stack = await BenchmarkStack.StartAsync(cancellation);
        var site = new CrashSite(stack.Postgres, stack.Redis, stack.Gateway, BenchmarkStack.MasterKey, OwnsStores: true);
        List<RowResult> results = [];
        for (var round = 0; round < rounds; round++)
        {
            foreach (var row in rows)
            {
                var sized = row with { Jobs = Number(args, "--jobs") ?? row.Jobs, Batch = Number(args, "--batch") ?? row.Batch };
                results.Add(await RunAsync(site, sized, seed + round, args.Contains("--verbose"), cancellation));
                Console.WriteLine(CrashReport.Line(results[^1]));
            }

            // After each round: who stops a long run has what it found.
            if (Text(args, "--report") is { } file)
            {
                await File.WriteAllTextAsync(file, CrashReport.Markdown(results, seed, round + 1), cancellation);
            }
        }

        Console.WriteLine(CrashReport.Summary(results));
        return results.All(result => result.Held) ? 0 : 1;
    }

    private static async Task<RowResult> RunAsync(CrashSite site, CrashRow row, int seed, bool isVerbose, CancellationToken cancellation)
    {
        if (row.IsOfRunners)
        {
            await using var bench = await RunnersBench.CreateAsync(site, seed, cancellation);
            var ran = await new RunnersRun(bench, row, seed, Console.Error.WriteLine).RunAsync(row.Jobs, row.Batch, s_runnersPatience, cancellation);
            await LogAsync(bench.Rig, ran, isVerbose, cancellation);
            return ran;
        }

        await using var rig = await CrashRig.CreateAsync(site, new Dictionary<string, string>(), cancellation);
        var result = await new CrashRun(rig, row, seed).RunAsync(AnswersBetween, cancellation);
        await LogAsync(rig, result, isVerbose, cancellation);
        return result;
    }

    private static async Task LogAsync(CrashRig rig, RowResult result, bool isVerbose, CancellationToken cancellation)
    {
        if (isVerbose || !result.Held)
        {
            foreach (var service in rig.Services)
            {
                var log = Path.Combine(Path.GetTempPath(), $"saasllm-crash-{result.Row.Name}-{result.Seed}-{service}.log");
                await File.WriteAllLinesAsync(log, rig[service].Output, cancellation);
                Console.WriteLine($"  log: {log}");
            }
        }
    }

    private static int? Number(string[] args, string name)
        => Text(args, name) is { } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;

    private static string? Text(string[] args, string name) => Array.IndexOf(args, name) is >= 0 and var index && index + 1 < args.Length ? args[index + 1] : null;
}
