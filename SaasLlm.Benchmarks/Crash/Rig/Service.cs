namespace SaasLlm.Benchmarks.Crash.Rig;

/// <summary>The processes of a rig.</summary>
internal enum Service
{
    ApiA,
    ApiB,
    JobRunner,
}
