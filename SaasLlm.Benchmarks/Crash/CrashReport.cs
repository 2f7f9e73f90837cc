using System.Globalization;
using System.Text;

namespace SaasLlm.Benchmarks.Crash;

/// <summary>The matrix as lines and as a page.</summary>
internal static class CrashReport
{
    private const int FaultsShown = 12;

    public static string Line(RowResult result)
    {
        var line = string.Create(CultureInfo.InvariantCulture,
            $"{(result.Held ? "held  " : "BROKEN")} {result.Row.Name,-36} seed {result.Seed,-7} {result.Jobs,6} jobs {result.Answers,6} answers {result.Lost,5} lost  quiet {result.Quiet.TotalSeconds,4:F1} s  {result.Took.TotalSeconds,5:F1} s  {Describe(result.Strikes)}");
        return result.Held ? line : line + string.Concat(Faults(result).Select(fault => $"{Environment.NewLine}    {fault}"))
            + $"{Environment.NewLine}    again: {Replay(result)}";
    }

    public static string Summary(IReadOnlyList<RowResult> results) => string.Create(CultureInfo.InvariantCulture,
        $"{results.Count} rows, {results.Sum(result => result.Jobs)} jobs, {results.Sum(result => result.Strikes.Count)} strikes: {results.Count(result => !result.Held)} broken");

    public static string Markdown(IReadOnlyList<RowResult> results, int seed, int rounds)
    {
        var page = new StringBuilder();
        page.AppendLine(CultureInfo.InvariantCulture, $"""
            # Crash matrix

            Written by `dotnet run --project SaasLlm.Benchmarks -c Release -- crash --rounds {rounds} --seed {seed} --report docs/crash-matrix.md`.

            Each row starts two API processes and a job runner on a database of their own (real Postgres, real Redis, the gateway's simulator), lets ten
            clients open, call (whole and streamed), complete, fail, cancel and forget jobs of eight teams in all budget modes, some with almost no credits, make
            one-shot jobs (`create-and-call`, `create-and-call-stream`, `/v1/chat/completions`), add credits, half of it under Idempotency-Keys, has two refills fall due, and breaks something
            meanwhile. What died is started again, the load ends, the sweeps get their time, and then every check of `SaasLlm.Benchmarks/Crash/Checks` must find nothing:

            - in Postgres, at every look: accounts, transactions, lots, holds and jobs add up; chains have no gap; a job is charged once or not at all; each end has its event;
            - once quiet: no job is open and no attempt runs past its deadline; Redis has Postgres' numbers, and each API admits exactly what an account can pay;
            - what the clients were told is true: a job that was opened is there, one that was refused is not, what a job cost is what its answer said;
            - what was asked again under one Idempotency-Key, or one grant's reference, was done once, and a tick's refill once;
            - every request that reached the gateway has its attempt, and none was sent twice, unless its client asked again after a failure.

            A failpoint kills by SIGKILL, from inside, at the hit that the seed chooses; stores are killed from outside, and the AppHost starts them again.
            A strike that does not happen breaks its row.

            To replay a row: `dotnet run --project SaasLlm.Benchmarks -c Release -- crash --row <row> --seed <seed>`, the seed being this page's, plus one for each
            round after the first. A row's seed chooses the failpoint's hit, the process and what the clients do; how the threads interleave is the machine's affair, so a replay
            repeats the conditions and not each step. Rows named `broken.…` run a build that is wrong on purpose: they hold when the checks say so.

            The rows named `runners.…` and `kill.background.…` have one API and two job runners instead. Jobs of several steps and a batch are submitted, some are cancelled, some fail; the
            gateway takes its time and cuts off answers; the tenants' server for webhooks refuses some first tries. Then each job must have one end and one terminal
            event, be charged exactly, and have billed each step once; every event must have arrived under one id, as it was raised and signed; no step may have been called
            after its end was saved. There `answers` are calls that reached the gateway, and `lost` those among them that were made again.

            **{Summary(results)}**

            | row | what breaks | rounds | broken | jobs | answers | lost | strikes | quiet after (median) |
            | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
            """);
        foreach (var group in results.GroupBy(result => result.Row))
        {
            page.AppendLine(CultureInfo.InvariantCulture,
                $"| `{group.Key.Name}` | {group.Key.What} | {group.Count()} | {group.Count(result => !result.Held)} | {group.Sum(result => result.Jobs)} | {group.Sum(result => result.Answers)} | {group.Sum(result => result.Lost)} | {group.Sum(result => result.Strikes.Count)} | {Median(group.Select(result => result.Quiet)).TotalSeconds:F1} s |");
        }

        foreach (var broken in results.Where(result => !result.Held))
        {
            page.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"`{Replay(broken)}`").AppendLine();
            foreach (var fault in Faults(broken))
            {
                page.AppendLine(CultureInfo.InvariantCulture, $"- {fault}");
            }
        }

        return page.ToString().ReplaceLineEndings("\n");
    }

    private static IEnumerable<string> Faults(RowResult result) => result.Faults.Count <= FaultsShown
        ? result.Faults
        : [.. result.Faults.Take(FaultsShown), $"and {result.Faults.Count - FaultsShown} more"];

    private static string Replay(RowResult result)
        => $"dotnet run --project SaasLlm.Benchmarks -c Release -- crash --row {result.Row.Name} --seed {result.Seed}";

    private static string Describe(IEnumerable<Strike> strikes) => string.Join(", ", strikes.Select(strike => strike switch
    {
        KillAt kill => $"{kill.Service} at {kill.Failpoint}:{kill.Hit}",
        KillAnywhere kill => $"{kill.Service} anywhere",
        KillTogether kill => $"{string.Join(" and ", kill.Services)} anywhere",
        Outage outage => outage.What,
        _ => "",
    }));

    private static TimeSpan Median(IEnumerable<TimeSpan> spans) => spans.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : default;
}
