using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash;

/// <summary>Something that breaks while the load runs.</summary>
internal abstract record Strike;

/// <summary>A process dies at a failpoint, by SIGKILL, and is started again.</summary>
/// <param name="Hit">At which hit.</param>
internal sealed record KillAt(Service Service, string Failpoint, int Hit) : Strike;

/// <summary>A process dies at no particular place, and is started again.</summary>
internal sealed record KillAnywhere(Service Service) : Strike;

/// <summary>Processes die at once, at no particular place, and are started again.</summary>
internal sealed record KillTogether(params IReadOnlyList<Service> Services) : Strike;

/// <summary>A store is hurt.</summary>
internal sealed record Outage(string What, Func<CrashRig, Random, CancellationToken, Task> HurtAsync) : Strike;

/// <summary>One row of the matrix: what breaks, under a load, before all must be right again.</summary>
/// <param name="Name">Names it on the command line, for example <c>kill.writer.after_commit</c>.</param>
/// <param name="Strikes">One after the other; from the row's seed.</param>
internal sealed record CrashRow(string Name, string What, Func<Random, IReadOnlyList<Strike>> Strikes)
{
    /// <summary>What a process is configured with for the whole row.</summary>
    public IReadOnlyDictionary<Service, IReadOnlyDictionary<string, string>> Settings { get; init; }
        = new Dictionary<Service, IReadOnlyDictionary<string, string>>();

    /// <summary>Kills Redis or Postgres: for stores that are nobody else's.</summary>
    public bool NeedsOwnStores { get; init; }

    /// <summary>Under submitted jobs with webhooks, on two job runners, in place of the clients' load.</summary>
    public bool IsOfRunners { get; init; }

    /// <summary>How many jobs are submitted, where <see cref="IsOfRunners"/>.</summary>
    public int Jobs { get; init; } = 60;

    /// <summary>Inputs of the batch beside them.</summary>
    public int Batch { get; init; } = 100;

    /// <summary>SQL that breaks the build on purpose; the row is right when <see cref="MustFind"/> is found, and wrong when it is not.</summary>
    public string? BreaksBy { get; init; }

    /// <summary>The check that must notice <see cref="BreaksBy"/>.</summary>
    public string? MustFind { get; init; }
}

/// <summary>What became of a row.</summary>
/// <param name="Faults">Empty: everything held.</param>
/// <param name="Log">What the processes said in warning.</param>
internal sealed record RowResult(
    CrashRow Row, int Seed, IReadOnlyList<Strike> Strikes, IReadOnlyList<string> Faults, IReadOnlyList<string> Log, int Answers, int Lost, long Jobs, TimeSpan Quiet, TimeSpan Took)
{
    public bool Held => Faults.Count == 0;
}
