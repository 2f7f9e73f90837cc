namespace SaasLlm.Benchmarks.Crash.Rig;

/// <summary>The processes of a rig.</summary>
internal enum Service
{
    ApiA,
    ApiB,
    JobRunner,
    JobRunnerB,
}

internal static class ServiceExtensions
{
    public static bool IsJobRunner(this Service service) => service is Service.JobRunner or Service.JobRunnerB;
}
