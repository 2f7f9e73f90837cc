using System.Diagnostics;
using SaasLlm.Benchmarks.Crash.Checks;
using SaasLlm.Benchmarks.Crash.Load;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash;

/// <summary>Runs a row: load, strikes, restarts, quiet, and then every check.</summary>
internal sealed class CrashRun(CrashRig rig, CrashRow row, int seed)
{
    private static readonly TimeSpan s_strikePatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_quietPatience = TimeSpan.FromSeconds(40);

    private static int s_runs;

    private readonly Random _random = new(seed);
    private readonly Witness _witness = new();
    private readonly List<string> _faults = [];
    private Queue<Strike> _left = [];

    /// <summary>On a rig whose processes this run starts as the row wants them.</summary>
    /// <param name="answersBetween">How many answers the clients get before, between and after the strikes.</param>
    public async Task<RowResult> RunAsync(int answersBetween, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        var strikes = row.Strikes(_random);
        _left = new(strikes);
        await rig.StartAsync(Enum.GetValues<Service>().ToDictionary(service => service, NextLife), cancellation);
        var tenants = await Tenants.CreateAsync(rig, $"crash{Environment.ProcessId}-{Interlocked.Increment(ref s_runs)}");
        if (row.BreaksBy is { } sql)
        {
            await rig.ExecuteAsync(sql);
        }

        await using (new LoadGenerator(rig, tenants, _witness, seed))
        {
            await LoadAsync(answersBetween, cancellation);
            while (_left.Count > 0)
            {
                await StrikeAsync(_left.Dequeue(), cancellation);
                await AlwaysAsync();
                await LoadAsync(answersBetween, cancellation);
            }
        }

        var quiet = Stopwatch.GetTimestamp();
        await QuietAsync(tenants, cancellation);
        return new(row, seed, strikes, Judge(), _witness.Answers, _witness.Lost, await JobsAsync(tenants), Stopwatch.GetElapsedTime(quiet), Stopwatch.GetElapsedTime(began));
    }

    // By answers, not by time: a busy machine needs longer for the same.
    private async Task LoadAsync(int answers, CancellationToken cancellation)
    {
        var (began, goal) = (Stopwatch.GetTimestamp(), _witness.Answers + answers);
        while (_witness.Answers < goal && Stopwatch.GetElapsedTime(began) < s_strikePatience)
        {
            await Task.Delay(20, cancellation);
        }
    }

    private async Task StrikeAsync(Strike strike, CancellationToken cancellation)
    {
        switch (strike)
        {
            case KillAt kill:
                var code = await rig[kill.Service].DeathAsync(s_strikePatience, cancellation);
                if (code != ServiceProcess.KilledExitCode)
                {
                    _faults.Add(code is null
                        ? $"{kill.Service} never came to hit {kill.Hit} of {kill.Failpoint}"
                        : $"{kill.Service} ended with exit code {code}, not by {kill.Failpoint}");
                }

                await RestartAsync(kill.Service, cancellation);
                break;
            case KillAnywhere kill:
                await Task.Delay(_random.Next(0, 500), cancellation);
                await rig[kill.Service].KillAsync();
                await RestartAsync(kill.Service, cancellation);
                break;
            case Outage outage:
                await outage.HurtAsync(rig, _random, cancellation);
                break;
        }
    }

    // Its next life may be as short: what waits for it is its next strike's.
    private async Task RestartAsync(Service service, CancellationToken cancellation)
    {
        if (rig[service].HasExited)
        {
            rig.Restart(service, NextLife(service));
            await rig.WaitUntilReadyAsync(service, cancellation);
        }
    }

    private IReadOnlyDictionary<string, string> NextLife(Service service)
    {
        var life = new Dictionary<string, string>(row.Settings.GetValueOrDefault(service) ?? new Dictionary<string, string>());
        if (_left.OfType<KillAt>().FirstOrDefault(kill => kill.Service == service) is { } next)
        {
            foreach (var (name, value) in CrashMatrix.Order(next.Failpoint, $"kill:{next.Hit}"))
            {
                life[name] = value;
            }
        }

        return life;
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
        while (late.Count > 0 && Stopwatch.GetElapsedTime(began) < s_quietPatience);

        _faults.AddRange(late);
        _faults.AddRange(await RedisChecks.ProbeAsync(rig, tenants));
        _faults.AddRange(await RedisChecks.CompareAsync(rig, tenants));
        _faults.AddRange(await LedgerChecks.AlwaysAsync(rig.Source));
        _faults.AddRange(await WitnessChecks.FindAsync(rig.Source, _witness));
        _faults.AddRange(await UpstreamChecks.FindAsync(rig));
    }

    // A broken build must be caught, and for what it is.
    private IReadOnlyList<string> Judge() => row.MustFind is not { } sought ? [.. _faults.Distinct()]
        : _faults.Any(fault => fault.StartsWith(sought, StringComparison.Ordinal)) ? []
        : [$"the broken build was not caught: nobody said '{sought}'", .. _faults];

    private async Task<long> JobsAsync(Tenants tenants)
    {
        await using var command = rig.Source.CreateCommand("SELECT count(*) FROM jobs WHERE team_id = ANY ($1)");
        command.Parameters.Add(new() { Value = tenants.Teams.Select(team => team.TeamId).ToArray() });
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
