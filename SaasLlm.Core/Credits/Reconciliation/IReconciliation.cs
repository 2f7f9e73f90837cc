using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>The books held against each other: what the last run said, and how to ask for another.</summary>
public interface IReconciliation
{
    /// <summary>The last complete run and the open one.</summary>
    Task<ReconciliationStatus> StatusAsync(CancellationToken cancellation);

    /// <summary>The differences inside Postgres that stand, by when they were first seen.</summary>
    /// <param name="teamId">Only this team's; null is any.</param>
    /// <param name="kind">One of <see cref="DifferenceKind.InPostgres"/>; null is any.</param>
    Task<Page<ReconciliationDifference>> DifferencesAsync(PageQuery page, string? teamId, string? kind, CancellationToken cancellation);

    /// <summary>Asks for a run over all teams, which JobRunner does. While one is open, that is the answer.</summary>
    /// <param name="runId">The new run's id. The same again is the same run.</param>
    Task<ReconciliationRun> RequestRunAsync(Guid runId, CancellationToken cancellation);

    /// <summary>Checks one team now; Redis is put right on the way. 404 <c>team.not_found</c>.</summary>
    Task<Result<TeamReport>> CheckTeamAsync(string teamId, CancellationToken cancellation);
}

/// <param name="Last">The last complete run; null while there was none.</param>
/// <param name="Current">The run that is open, waiting or under way; null for none.</param>
/// <param name="TeamsTotal">Teams that have an account now.</param>
/// <param name="Standing">Differences inside Postgres that stand.</param>
public sealed record ReconciliationStatus(ReconciliationRun? Last, ReconciliationRun? Current, long TeamsTotal, long Standing);

/// <summary>What was found when one team was checked.</summary>
/// <param name="InPostgres">Reported, never repaired.</param>
/// <param name="InRedis">As they were found; they are put right.</param>
/// <param name="RedisBalancesSeeded">1 if its balance was seeded anew.</param>
/// <param name="RedisHoldsRemoved">Holds that Postgres does not know.</param>
/// <param name="RedisAnswered">False: Redis was not checked.</param>
public sealed record TeamReport(
    string TeamId,
    IReadOnlyList<Difference> InPostgres,
    IReadOnlyList<Difference> InRedis,
    int RedisBalancesSeeded,
    int RedisHoldsRemoved,
    bool RedisAnswered);
