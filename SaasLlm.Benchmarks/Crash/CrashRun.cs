using System.Diagnostics;
using SaasLlm.Benchmarks.Crash.Checks;
using SaasLlm.Benchmarks.Crash.Load;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash;

/// <summary>Runs a row: load, strikes, restarts, quiet, and then every check.</summary>
internal sealed class CrashRun(CrashRig rig, CrashRow row, int seed)
{
    // A failpoint that this much load does not hit is not where it should be.
    private const int AnswersPerStrikeMax = 200;

    private static readonly TimeSpan s_strikePatience = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan s_loadPatience = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan s_quietPatience = TimeSpan.FromSeconds(120);

    // What is broken on purpose never heals.
    private static readonly TimeSpan s_brokenPatience = TimeSpan.FromSeconds(40);

    private static readonly string[] s_levels = ["---", "warn", "fail", "crit", "Unhandled"];
    private static int s_runs;

    // Rows of one seed differ in more than what breaks.
    private readonly Random _random = new(seed + (row.Name.Sum(letter => letter) * 7919));
    private readonly Witness _witness = new();
    private readonly List<string> _faults = [];
    private Striker? _striker;

    /// <summary>On a rig whose processes this run starts as the row wants them.</summary>
    /// <param name="answersBetween">How many answers the clients get before, between and after the strikes.</param>
    public async Task<RowResult> RunAsync(int answersBetween, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        var strikes = row.Strikes(_random);
        _striker = new(rig, row, _random, strikes, _faults);
        await rig.StartAsync(rig.Services.ToDictionary(service => service, _striker.NextLife), cancellation);
        var tenants = await Tenants.CreateAsync(rig, $"crash{Environment.ProcessId}-{Interlocked.Increment(ref s_runs)}");
        if (row.BreaksBy is { } sql)
        {
            await rig.ExecuteAsync(sql);
        }

        await using (new LoadGenerator(rig, tenants, _witness, seed))
        {
            await LoadAsync(answersBetween, cancellation);
            while (!_striker.IsThrough && await StrikeAsync(cancellation))
            {
                await AlwaysAsync();
                await LoadAsync(answersBetween, cancellation);
            }

            await rig.WaitUntilReadyAsync(cancellation);
        }

        var quiet = Stopwatch.GetTimestamp();
        await QuietAsync(tenants, cancellation);
        return new(row, seed, strikes, Judge(), Log(), _witness.Answers, _witness.Lost, await JobsAsync(tenants), Stopwatch.GetElapsedTime(quiet), Stopwatch.GetElapsedTime(began));
    }

    // By answers, not by time: a busy machine needs longer for the same.
    private async Task LoadAsync(int answers, CancellationToken cancellation)
    {
        var (began, goal) = (Stopwatch.GetTimestamp(), _witness.Answers + answers);
        while (_witness.Answers < goal && !_striker!.NextIsDead && Stopwatch.GetElapsedTime(began) < s_loadPatience)
        {
            await Task.Delay(20, cancellation);
        }
    }

    private Task<bool> StrikeAsync(CancellationToken cancellation)
    {
        var enough = _witness.Answers + AnswersPerStrikeMax;
        return _striker!.StrikeAsync(waited => waited > s_loadPatience || (waited > s_strikePatience && _witness.Answers > enough), cancellation);
    }

    private async Task AlwaysAsync() => _faults.AddRange((await LedgerChecks.AlwaysAsync(rig.Source)).Select(fault => $"under load: {fault}"));

    // Sweeps and leases need their time, and no more than that.
    private async Task QuietAsync(Tenants tenants, CancellationToken cancellation)
    {
        await Task.Delay(CrashRig.JobLifetime, cancellation);
        var began = Stopwatch.GetTimestamp();
        IReadOnlyList<string> late;
        do
        {
            await Task.Delay(250, cancellation);
            late = [.. await LedgerChecks.QuietAsync(rig.Source, CrashRig.AttemptGrace), .. await RedisChecks.CompareAsync(rig, tenants)];
        }
        while (late.Count > 0 && Stopwatch.GetElapsedTime(began) < (row.MustFind is null ? s_quietPatience : s_brokenPatience));

        _faults.AddRange(late);
        _faults.AddRange(await RedisChecks.ProbeAsync(rig, tenants));
        _faults.AddRange(await RedisChecks.CompareAsync(rig, tenants));
        _faults.AddRange(await LedgerChecks.AlwaysAsync(rig.Source));
        _faults.AddRange(await WitnessChecks.FindAsync(rig.Source, _witness));
        _faults.AddRange(await UpstreamChecks.FindAsync(rig, _witness));
    }

    // A broken build must be caught, and for what it is.
    private IReadOnlyList<string> Judge() => row.MustFind is not { } sought ? [.. _faults.Distinct()]
        : _faults.Any(fault => fault.StartsWith(sought, StringComparison.Ordinal)) ? []
        : [$"the broken build was not caught: nobody said '{sought}'", .. _faults];

    // The console's log levels, each with the line that says what happened.
    private List<string> Log() => [.. rig.Services.SelectMany(service =>
    {
        var lines = rig[service].Output;
        return Enumerable.Range(0, lines.Count)
            .Where(index => s_levels.Any(level => lines[index].StartsWith(level, StringComparison.Ordinal)))
            .Select(index => $"{service} {lines[index]} {lines.ElementAtOrDefault(index + 1)?.Trim()}");
    })];

    private async Task<long> JobsAsync(Tenants tenants)
    {
        await using var command = rig.Source.CreateCommand("SELECT count(*) FROM jobs WHERE team_id = ANY ($1)");
        command.Parameters.Add(new() { Value = tenants.Teams.Select(team => team.TeamId).ToArray() });
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
