using SaasLlm.Core.Credits.Reconciliation;

namespace SaasLlm.ApiService.Credits.Reconciliation;

/// <summary>A run over all teams.</summary>
/// <param name="Status"><c>waiting</c>, <c>running</c> or <c>finished</c>.</param>
/// <param name="Differences">Differences inside Postgres that it found: reported, never repaired.</param>
/// <param name="RedisBalancesSeeded">Balances in Redis that were put right.</param>
/// <param name="RedisHoldsRemoved">Holds in Redis that no job came of.</param>
/// <param name="RedisTeamsSkipped">Teams that Redis did not answer for.</param>
internal sealed record ReconciliationRunResponse(
    Guid RunId,
    string Status,
    DateTimeOffset RequestedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt,
    long TeamsChecked,
    long Differences,
    long RedisBalancesSeeded,
    long RedisHoldsRemoved,
    long RedisTeamsSkipped)
{
    private static readonly DateTimeOffset s_noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    public static readonly ReconciliationRunResponse Example = new(
        Guid.Parse("019c1b2e-7d00-7000-8000-000000000009"), "finished", s_noon, s_noon.AddSeconds(2), s_noon.AddMinutes(1), 1200, 1, 3, 2, 0);

    public static readonly ReconciliationRunResponse Waiting = Example with
    {
        Status = "waiting",
        StartedAt = null,
        FinishedAt = null,
        TeamsChecked = 0,
        Differences = 0,
        RedisBalancesSeeded = 0,
        RedisHoldsRemoved = 0,
    };

    public static ReconciliationRunResponse From(ReconciliationRun run) => new(
        run.RunId, run.FinishedAt is not null ? "finished" : run.StartedAt is not null ? "running" : "waiting",
        run.RequestedAt, run.StartedAt, run.FinishedAt, run.TeamsChecked, run.Differences,
        run.RedisBalancesSeeded, run.RedisHoldsRemoved, run.RedisTeamsSkipped);
}

/// <summary>A difference inside Postgres that stands.</summary>
/// <param name="Kind">What was held against what, for example <c>lot_remaining</c>.</param>
/// <param name="Subject">A sequence, a lot, a job; empty for the account itself.</param>
/// <param name="Expected">What the other record says.</param>
/// <param name="Found">What this one says.</param>
internal sealed record StandingDifferenceResponse(
    string TeamId, string Kind, string Subject, decimal Expected, decimal Found, DateTimeOffset FirstSeen, DateTimeOffset LastSeen)
{
    public static readonly StandingDifferenceResponse Example = new(
        "team_hr", DifferenceKind.LotRemaining, "019c1b2e-7d00-7000-8000-000000000002", 10, 9,
        new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), new(2026, 1, 31, 13, 0, 0, TimeSpan.Zero));

    public static StandingDifferenceResponse From(ReconciliationDifference difference) => new(
        difference.TeamId, difference.Kind, difference.Subject, difference.Expected, difference.Found, difference.FirstSeen, difference.LastSeen);
}

/// <summary>A difference as a check of one team found it.</summary>
internal sealed record DifferenceResponse(string Kind, string Subject, decimal Expected, decimal Found)
{
    public static DifferenceResponse From(Difference difference)
        => new(difference.Kind, difference.Subject, difference.Expected, difference.Found);
}

/// <summary>What a check of one team found.</summary>
/// <param name="Differences">Inside Postgres: reported, never repaired.</param>
/// <param name="RedisDifferences">As they were found; they are put right.</param>
/// <param name="RedisAnswered">False: Redis was not checked.</param>
internal sealed record TeamReportResponse(
    string TeamId,
    DifferenceResponse[] Differences,
    DifferenceResponse[] RedisDifferences,
    int RedisBalancesSeeded,
    int RedisHoldsRemoved,
    bool RedisAnswered)
{
    public static readonly TeamReportResponse Example = new(
        "team_hr", [], [new(DifferenceKind.RedisBehind, "", 42, 41)], 1, 0, true);

    public static TeamReportResponse From(TeamReport report) => new(
        report.TeamId, [.. report.InPostgres.Select(DifferenceResponse.From)], [.. report.InRedis.Select(DifferenceResponse.From)],
        report.RedisBalancesSeeded, report.RedisHoldsRemoved, report.RedisAnswered);
}
