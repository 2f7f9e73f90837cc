using SaasLlm.Core.Background;

namespace SaasLlm.ApiService.Admin;

/// <summary>A background task.</summary>
/// <param name="IsSchedule">True: one runner does it each tick. False: every runner does it.</param>
/// <param name="RunEverySeconds">From the end of a run to the next tick.</param>
/// <param name="NextRunAt">The next tick; null for what every runner does.</param>
/// <param name="RequestedAt">A run was asked for: a schedule's that has not ended, another pass' that no runner has taken yet.</param>
/// <param name="LastOutcome"><c>running</c>, <c>succeeded</c>, <c>failed</c>, or <c>interrupted</c>: its runner stopped, another one does it again. Null while it never ran.</param>
/// <param name="FailuresInRow">Since its last success; the next try comes later each time.</param>
internal sealed record TaskResponse(
    string Name,
    bool IsSchedule,
    decimal RunEverySeconds,
    DateTimeOffset? NextRunAt,
    DateTimeOffset? RequestedAt,
    DateTimeOffset? LastStartedAt,
    DateTimeOffset? LastEndedAt,
    long? LastDurationMs,
    string? LastOutcome,
    string? LastError,
    long Runs,
    long Failures,
    int FailuresInRow)
{
    private static readonly DateTimeOffset s_noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    public static readonly TaskResponse Example = new(
        "import-prices", true, 60, s_noon.AddSeconds(61), null, s_noon, s_noon.AddSeconds(1), 412, TaskOutcome.Succeeded, null, 1440, 2, 0);

    public static TaskResponse From(ScheduledTask task) => new(
        task.Name,
        task.IsSchedule,
        (decimal)task.RunEvery.TotalMilliseconds / 1000,
        task.IsSchedule ? task.NextRunAt : null,
        task.RequestedAt,
        task.LastStartedAt,
        task.LastEndedAt,
        task.LastDurationMs,
        task.LastOutcome,
        task.LastError,
        task.Runs,
        task.Failures,
        task.FailuresInRow);
}
