using SaasLlm.Benchmarks.Crash.Rig;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Benchmarks.Crash.Runners;

/// <summary>The rows on job runners.</summary>
internal static class RunnersRows
{
    private const int StrikesOfAnyKind = 12;

    /// <summary>A runner dies between any two effects of a step and of a job's end, then both at no particular place.</summary>
    public static CrashRow Some { get; } = new("runners.some", "job runners die while they run submitted jobs and deliver their events", random =>
    [
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
    };

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
