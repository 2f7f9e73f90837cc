using System.Diagnostics;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash;

/// <summary>Breaks what a row says, one strike after the other, and starts again what died.</summary>
/// <param name="faults">Gets what did not happen as it should.</param>
internal sealed class Striker(CrashRig rig, CrashRow row, Random random, IReadOnlyList<Strike> strikes, List<string> faults)
{
    private readonly Queue<Strike> _left = new(strikes);

    public bool IsThrough => _left.Count == 0;

    /// <summary>Struck already: its failpoint waits for nobody.</summary>
    public bool NextIsDead => _left.TryPeek(out var strike) && strike is KillAt kill && rig[kill.Service].HasExited;

    /// <summary>What a process is started with: the row's settings, and the failpoint at which it dies next.</summary>
    public IReadOnlyDictionary<string, string> NextLife(Service service)
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

    /// <summary>The next one.</summary>
    /// <param name="isEnough">Whether the load since then, which lasted so long, was enough to come to a failpoint.</param>
    /// <returns>False: it did not happen, and what follows would prove nothing.</returns>
    public async Task<bool> StrikeAsync(Func<TimeSpan, bool> isEnough, CancellationToken cancellation)
    {
        switch (_left.Dequeue())
        {
            case KillAt kill:
                return await DiesAsync(kill, isEnough, cancellation);
            case KillAnywhere kill:
                await Task.Delay(random.Next(0, 500), cancellation);
                await rig[kill.Service].KillAsync();
                rig.Restart(kill.Service, NextLife(kill.Service));
                return true;
            case KillTogether kill:
                await Task.Delay(random.Next(0, 500), cancellation);
                await Task.WhenAll(kill.Services.Select(service => rig[service].KillAsync()));
                foreach (var service in kill.Services)
                {
                    rig.Restart(service, NextLife(service));
                }

                return true;
            case Outage outage:
                await outage.HurtAsync(rig, random, cancellation);
                return true;
            default:
                throw new UnreachableException();
        }
    }

    // Its next life may be as short: what waits for it is its next strike's.
    private async Task<bool> DiesAsync(KillAt kill, Func<TimeSpan, bool> isEnough, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        while (!rig[kill.Service].HasExited)
        {
            if (isEnough(Stopwatch.GetElapsedTime(began)))
            {
                faults.Add($"{kill.Service} never came to hit {kill.Hit} of {kill.Failpoint}");
                return false;
            }

            await Task.Delay(20, cancellation);
        }

        if (rig[kill.Service].ExitCode is var code and not ServiceProcess.KilledExitCode)
        {
            faults.Add($"{kill.Service} ended with exit code {code}, not by {kill.Failpoint}");
        }

        rig.Restart(kill.Service, NextLife(kill.Service));
        return true;
    }
}
