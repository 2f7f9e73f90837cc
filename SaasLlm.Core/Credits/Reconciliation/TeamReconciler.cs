using Microsoft.Extensions.Logging;
using Npgsql;

namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>Checks teams: reports what differs inside Postgres, and puts right what differs in Redis.</summary>
internal sealed partial class TeamReconciler(
    ReconciliationReader reader, RedisReconciler redis, ReconciliationStore store, ReconciliationTelemetry telemetry,
    ILogger<TeamReconciler> logger)
{
    // A ledger that is broken everywhere must not drown the log; the table names them all.
    private const int LoggedMax = 20;

    public async Task<(IReadOnlyList<Difference> InPostgres, RedisOutcome InRedis)> CheckAsync(
        NpgsqlConnection connection, IReadOnlyList<string> teams, CancellationToken cancellation)
    {
        var differences = await reader.DifferencesAsync(connection, teams, cancellation);
        var unknown = await store.RecordAsync(connection, teams, differences, cancellation);
        foreach (var difference in unknown.Take(LoggedMax))
        {
            LogDifference(difference.TeamId, difference.Kind, difference.Subject, difference.Expected, difference.Found);
        }

        if (unknown.Count > LoggedMax)
        {
            LogMore(unknown.Count - LoggedMax);
        }

        var outcome = await redis.ReconcileAsync(connection, teams, cancellation);
        if (outcome.Found.Count > 0)
        {
            LogRedis(outcome.Found.Count, outcome.Seeded, outcome.HoldsRemoved);
        }

        telemetry.Checked(teams.Count);
        return (differences, outcome);
    }

    [LoggerMessage(4201, LogLevel.Error, "The books of team {TeamId} do not agree: {Kind} {Subject}, expected {Expected}, found {Found}")]
    private partial void LogDifference(string teamId, string kind, string subject, decimal expected, decimal found);

    [LoggerMessage(4202, LogLevel.Error, "{Count} more differences in the books are new; they stand in reconciliation_differences")]
    private partial void LogMore(int count);

    [LoggerMessage(4203, LogLevel.Warning, "Redis differed from Postgres in {Count} things; {Seeded} balances were seeded anew, {Removed} holds removed")]
    private partial void LogRedis(int count, int seeded, int removed);
}
