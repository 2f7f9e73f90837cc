using SaasLlm.Benchmarks.Crash.Rig;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Benchmarks.Crash.Runners;

/// <summary>The rows of submitted jobs.</summary>
internal static class RunnersRows
{
    private const int StrikesOfAnyKind = 12;

    /// <summary>The failpoints that running a job passes, and how many hits some jobs bring at least.</summary>
    private static readonly (string Name, int HitMax)[] s_ofRunners =
    [
        (FailpointName.StepAnswered, 20), (FailpointName.StepSaved, 20), (FailpointName.PlanFinishing, 5), (FailpointName.PlanFinished, 5),
    ];

    private static readonly string[] s_ofSubmission = [FailpointName.PlanStored, FailpointName.PlanOpened];

    /// <summary>One for each failpoint: both runners die at it, one after the other, or the API does, twice.</summary>
    public static IReadOnlyList<CrashRow> Kills { get; } =
    [
        .. s_ofSubmission.Select(point => new CrashRow($"kill.{point}", $"the API dies at {point}", random =>
            [new KillAt(Service.ApiA, point, random.Next(1, 6)), new KillAt(Service.ApiA, point, random.Next(1, 6))])
        {
            IsOfRunners = true,
        }),
        .. s_ofRunners.Select(point => new CrashRow($"kill.{point.Name}", $"job runners die at {point.Name}", random =>
        [
            new KillAt(Service.JobRunner, point.Name, random.Next(1, point.HitMax + 1)), new KillAt(Service.JobRunnerB, point.Name, random.Next(1, point.HitMax + 1)),
        ])
        {
            IsOfRunners = true,
        }),
    ];

    /// <summary>The API dies while it takes a job, a runner between any two effects of a step and of a job's end, then both at no particular place.</summary>
    public static CrashRow Some { get; } = new("runners.some", "job runners die while they run submitted jobs and deliver their events", random =>
    [
        new KillAt(Service.ApiA, s_ofSubmission[random.Next(s_ofSubmission.Length)], random.Next(1, 4)),
        new KillAt(Service.JobRunner, FailpointName.PlanFinishing, random.Next(1, 3)),
        new KillAt(Service.JobRunnerB, FailpointName.PlanFinished, random.Next(1, 3)),
        new KillAt(Service.JobRunner, FailpointName.StepAnswered, random.Next(1, 6)),
        new KillAt(Service.JobRunnerB, FailpointName.StepSaved, random.Next(1, 6)),
        new KillTogether(Service.JobRunner, Service.JobRunnerB),
        new KillAnywhere(AnyRunner(random)),
    ])
    {
        IsOfRunners = true,
    };

    /// <summary>The same, longer.</summary>
    public static CrashRow Many { get; } = new("runners.many", "job runners die again and again while they run submitted jobs and deliver their events", random =>
    [
        .. Some.Strikes(random),
        .. Enumerable.Range(0, StrikesOfAnyKind).Select(_ => StrikeOf(random)),
    ])
    {
        IsOfRunners = true,
        Jobs = 500,
        Batch = 1000,
    };

    // Not of the API: it would die before its turn, and without it no work comes that lets others die.
    private static Strike StrikeOf(Random random) => random.Next(6) switch
    {
        0 => new KillAt(AnyRunner(random), FailpointName.StepAnswered, random.Next(1, 20)),
        1 => new KillAt(AnyRunner(random), FailpointName.StepSaved, random.Next(1, 20)),
        2 => new KillAt(AnyRunner(random), FailpointName.AfterSettle, random.Next(1, 20)),
        3 => new KillTogether(Service.JobRunner, Service.JobRunnerB),
        _ => new KillAnywhere(AnyRunner(random)),
    };

    private static Service AnyRunner(Random random) => random.Next(2) == 0 ? Service.JobRunner : Service.JobRunnerB;
}
