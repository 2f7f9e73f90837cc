namespace SaasLlm.Core.Failpoints;

/// <summary>
/// A named place between two effects, where a test build of the world ends. Off unless configured (<see cref="FailpointPlan"/>); off, a hit is
/// one null check.
/// </summary>
public static class Failpoint
{
    private static FailpointPlan? s_plan;

    /// <summary>Does what the configuration says for <paramref name="name"/>, one of <see cref="FailpointName"/>.</summary>
    public static void Hit(string name) => s_plan?.Hit(name);

    /// <summary>True: leave out the effect that stands here. Only to see that its absence is noticed.</summary>
    public static bool Skips(string name) => s_plan?.Skips(name) ?? false;

    internal static void SwitchOn(FailpointPlan plan) => s_plan = plan;
}
