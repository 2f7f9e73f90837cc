using System.Globalization;
using Npgsql;
using SaasLlm.Benchmarks.Crash.Runners;
using SaasLlm.Benchmarks.Driver;
using SaasLlm.Benchmarks.Gateway;
using SaasLlm.Benchmarks.Gateway.Servers;
using SaasLlm.Benchmarks.Stack;

namespace SaasLlm.Benchmarks.Jobs;

/// <summary>
/// Steps of submitted jobs, and webhooks, a second, beside the statements that they are claimed and ended with, alone; what a step costs in a
/// short and in a long queue; and how long a team waits behind another one's.
/// </summary>
internal sealed class JobsVerb : IVerb
{
    // As the runner's options of these names have it.
    private const int TeamStepsMax = 16;
    private const int AllStepsMax = 1024;
    private const int StepsOfJob = 2;
    private const int StepsOfQueuedJob = 10;

    // Each takes a few hundred steps only.
    private const int DepthRounds = 5;

    private readonly List<string> _lines = [];

    public string Usage => """
        background steps and webhooks a second beside their SQL alone, cost a step in a long queue, waits behind another team
                 [--jobs 2000 --teams 50 --batch 10000 --small 1000 --large 1000000 --waiting 5000 --waits 200 --messages 10000 --endpoints 32 --rounds 3 --statements true --report file.md]
        """;

    public async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var flags = new Flags(args);
        var (jobs, teams, batch) = (flags.Number("jobs", 2000), flags.Number("teams", 50), flags.Number("batch", 10_000));
        var (small, large) = (flags.Number("small", 1000), flags.Number("large", 1_000_000));
        var (waiting, waits) = (flags.Number("waiting", 5000), flags.Number("waits", 200));
        var (messages, endpoints, rounds) = (flags.Number("messages", 10_000), flags.Number("endpoints", 32), flags.Number("rounds", 3));
        var report = flags.Text("report");
        var statements = flags.Text("statements") == "true";
        flags.RefuseUnknown();

        var (upstream, address) = await ServerHost.StartAsync("upstream", 0, cancellation);
        await using var upstreamProcess = upstream;
        await using var stack = await BenchmarkStack.StartAsync(
            address, new Dictionary<string, string> { ["Webhooks__AllowHttp"] = "true", ["Webhooks__AllowedNetworks__0"] = "127.0.0.0/8" }, cancellation,
            statements ? [StatementCosts.Setting] : []);
        if (statements)
        {
            await StatementCosts.StartAsync(stack.Postgres, cancellation);
        }

        var keys = await GatewayTenants.CreateAsync(stack.Api, Math.Max(teams, endpoints), cancellation);

        using var load = new SubmittedLoad(stack, [.. keys.Take(teams)]);
        await load.PrepareAsync(cancellation);
        var steps = await StepsAsync(stack, load, jobs, teams, batch, rounds, cancellation);
        var fairness = await FairnessAsync(load, waiting, waits, cancellation);
        var unsuccessful = await load.UnsuccessfulAsync(cancellation);
        var (webhooks, repeated) = await WebhooksAsync(stack, messages, endpoints, rounds, cancellation);
        var depth = await DepthAsync(stack, small, large, teams, rounds, cancellation);

        var mismatches = await Mismatches.CountAsync(stack.Postgres, cancellation) + await FaultsAsync(stack.Postgres, cancellation);
        Table[] tables = [steps, webhooks, depth, fairness];
        Array.ForEach(tables, table => Console.WriteLine(table.ToText()));
        if (statements)
        {
            Console.WriteLine((await StatementCosts.ReadAsync(stack.Postgres, cancellation)).ToText());
        }

        _lines.Add($"{(mismatches == 0 ? "met   " : "MISSED")}  mismatches of ledger, jobs, steps and events: {mismatches} (goal 0)");
        _lines.Add($"{(unsuccessful == 0 ? "met   " : "MISSED")}  steps that did not succeed: {unsuccessful} (goal 0); webhooks that came twice: {repeated}");
        _lines.ForEach(Console.WriteLine);
        if (report is not null)
        {
            await File.WriteAllTextAsync(report, string.Join('\n', tables.Select(table => table.ToMarkdown())) + "\n" + string.Concat(_lines.Select(line => $"- {line}\n")), cancellation);
        }

        return mismatches == 0 && unsuccessful == 0 ? 0 : 1;
    }

    private static async Task<Table> StepsAsync(
        BenchmarkStack stack, SubmittedLoad load, int jobs, int teams, int batch, int rounds, CancellationToken cancellation)
    {
        await using var many = await StepQueue.CreateAsync(stack.Postgres, "steps_many", cancellation);
        await using var one = await StepQueue.CreateAsync(stack.Postgres, "steps_one", cancellation);
        // Services compile anew what is hot; they are not measured cold.
        await load.RunManyAsync(jobs, cancellation);
        List<double> manyRuns = [], manyRaw = [], oneRuns = [], oneRaw = [];
        for (var round = 0; round < rounds; round++)
        {
            manyRuns.Add(jobs * StepsOfJob / (await load.RunManyAsync(jobs, cancellation)).TotalSeconds);
            await many.FillAsync(teams, jobs, StepsOfJob, isChained: true, cancellation);
            manyRaw.Add(jobs * StepsOfJob / (await many.WorkAsync(jobs * StepsOfJob, TeamStepsMax, AllStepsMax, cancellation)).TotalSeconds);
            oneRuns.Add(batch / (await load.RunBatchAsync(batch, cancellation)).TotalSeconds);
            await one.FillAsync(1, 1, batch, isChained: false, cancellation);
            oneRaw.Add(batch / (await one.WorkAsync(batch, TeamStepsMax, AllStepsMax, cancellation)).TotalSeconds);
            await Said($"round {round + 1}/{rounds}  steps: many {manyRuns[^1]:0}/s, raw {manyRaw[^1]:0}/s; batch {oneRuns[^1]:0}/s, raw {oneRaw[^1]:0}/s");
        }

        var table = new Table("background steps, upstream at 0 ms", "steps", "per second", "its SQL alone", "ratio");
        Add($"{jobs:N0} jobs of {StepsOfJob} steps, {teams} teams", jobs * StepsOfJob, manyRuns, manyRaw);
        Add($"one batch of {batch:N0}", batch, oneRuns, oneRaw);
        return table;

        void Add(string what, int count, List<double> runs, List<double> raw)
            => table.Add(what, $"{count}", Text(Median(runs), "0"), Text(Median(raw), "0"), Text(Median(runs) / Median(raw), "0.00"));
    }

    private static async Task<(Table Table, long Repeated)> WebhooksAsync(
        BenchmarkStack stack, int messages, int endpoints, int rounds, CancellationToken cancellation)
    {
        await using var load = await OutboxLoad.CreateAsync(stack, [.. Enumerable.Range(0, endpoints).Select(index => $"gateway_{index}")], cancellation);
        await using var queue = await DeliveryQueue.CreateAsync(stack.Postgres, endpoints, cancellation);
        await load.RunAsync(messages, cancellation);
        List<double> runs = [], raw = [];
        for (var round = 0; round < rounds; round++)
        {
            runs.Add(messages / (await load.RunAsync(messages, cancellation)).TotalSeconds);
            raw.Add(messages / (await queue.WorkAsync(messages, cancellation)).TotalSeconds);
            await Said($"round {round + 1}/{rounds}  webhooks: {runs[^1]:0}/s, raw {raw[^1]:0}/s");
        }

        var table = new Table("webhooks", "messages", "per second", "its SQL alone", "ratio");
        table.Add($"to {endpoints} endpoints", $"{messages}", Text(Median(runs), "0"), Text(Median(raw), "0"), Text(Median(runs) / Median(raw), "0.00"));
        return (table, load.Repeated);
    }

    // Each round takes most of the small queue and as many of the large one; both are then filled anew.
    private async Task<Table> DepthAsync(BenchmarkStack stack, int small, int large, int teams, int rounds, CancellationToken cancellation)
    {
        await using var few = await StepQueue.CreateAsync(stack.Postgres, "steps_small", cancellation);
        await using var much = await StepQueue.CreateAsync(stack.Postgres, "steps_large", cancellation);
        var count = small / StepsOfQueuedJob * StepsOfQueuedJob * 4 / 5;
        await FillAsync(much, large);
        await FillAsync(few, small);
        await WarmAsync(few);
        await WarmAsync(much);
        List<double> fewCosts = [], muchCosts = [];
        for (var round = 0; round < rounds * DepthRounds; round++)
        {
            fewCosts.Add(Micros(await few.WorkAsync(count, TeamStepsMax, AllStepsMax, cancellation)));
            muchCosts.Add(Micros(await much.WorkAsync(count, TeamStepsMax, AllStepsMax, cancellation)));
            await few.FillAsync(teams, count / StepsOfQueuedJob, StepsOfQueuedJob, isChained: false, cancellation);
            await much.FillAsync(teams, count / StepsOfQueuedJob, StepsOfQueuedJob, isChained: false, cancellation);
        }

        var ratio = Median(muchCosts) / Median(fewCosts);
        var table = new Table("queued steps", "µs a step, claimed and ended", "ratio");
        table.Add($"{small:N0}", Text(Median(fewCosts), "0"), "baseline");
        table.Add($"{large:N0}", Text(Median(muchCosts), "0"), Text(ratio, "0.00"));
        _lines.Add(Report.Bound($"cost a step at {large:N0} queued × at {small:N0}", ratio, 1.5));
        return table;

        double Micros(TimeSpan took) => took.TotalMicroseconds / count;

        async Task FillAsync(StepQueue queue, int steps)
        {
            await queue.FillAsync(teams, steps / StepsOfQueuedJob, StepsOfQueuedJob, isChained: false, cancellation);
            await queue.SettleAsync(cancellation);
        }

        async Task WarmAsync(StepQueue queue)
        {
            await queue.WorkAsync(count, TeamStepsMax, AllStepsMax, cancellation);
            await queue.FillAsync(teams, count / StepsOfQueuedJob, StepsOfQueuedJob, isChained: false, cancellation);
        }
    }

    private static async Task<Table> FairnessAsync(SubmittedLoad load, int waiting, int waits, CancellationToken cancellation)
    {
        var idle = await load.WaitsAsync(0, waits, cancellation);
        var behind = await load.WaitsAsync(waiting, waits, cancellation);
        var table = new Table("from submission to the step's begin", "jobs", "p50 ms", "p99 ms");
        table.Add("idle system", $"{idle.Count}", Text(At(idle, 0.5), "0.0"), Text(At(idle, 0.99), "0.0"));
        table.Add($"another team has {waiting:N0} steps queued", $"{behind.Count}", Text(At(behind, 0.5), "0.0"), Text(At(behind, 0.99), "0.0"));
        table.Add("ratio", "", Text(At(behind, 0.5) / At(idle, 0.5), "0.00"), Text(At(behind, 0.99) / At(idle, 0.99), "0.00"));
        return table;

        static double At(IReadOnlyList<double> sorted, double share) => sorted.Count == 0 ? double.NaN : sorted[(int)Math.Ceiling(share * sorted.Count) - 1];
    }

    private async Task<int> FaultsAsync(string postgres, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(postgres);
        cancellation.ThrowIfCancellationRequested();
        var faults = await RunnersChecks.FindAsync(source);
        _lines.AddRange(faults.Take(5));
        return faults.Count;
    }

    private static Task Said(FormattableString line) => Console.Error.WriteLineAsync(line.ToString(CultureInfo.InvariantCulture));

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);

    private static double Median(IReadOnlyCollection<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
