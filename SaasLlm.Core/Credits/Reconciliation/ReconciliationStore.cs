using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>The rows of runs and of standing differences.</summary>
internal sealed class ReconciliationStore(ReconciliationOptions options, TimeProvider time)
{
    /// <summary>A run is due when none is open and the last one ended long enough ago. Asked for: when none is open.</summary>
    /// <param name="rest">Since the end of the last run; null is none, it was asked for.</param>
    public static async Task OpenRunAsync(NpgsqlConnection connection, Guid runId, TimeSpan? rest, CancellationToken cancellation)
        => await ExecuteAsync(connection, """
            INSERT INTO reconciliation_runs (run_id)
            SELECT $1
             WHERE NOT EXISTS (SELECT 1 FROM reconciliation_runs WHERE finished_at IS NULL OR finished_at > now() - $2)
            ON CONFLICT DO NOTHING
            """, cancellation, Sql.Value(runId), Sql.Value(rest ?? TimeSpan.Zero));

    /// <summary>
    /// The open run, locked until the transaction ends; null when there is none, or another runner has it: its pages are done one by one.
    /// </summary>
    public static async Task<(Guid RunId, string AfterTeamId)?> ClaimAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "SELECT run_id, after_team_id FROM reconciliation_runs WHERE finished_at IS NULL FOR UPDATE SKIP LOCKED", connection);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation) ? (row.GetGuid(0), row.GetString(1)) : null;
    }

    public static Task AdvanceAsync(
        NpgsqlConnection connection, Guid runId, IReadOnlyList<string> teams, int differences, RedisOutcome redis, CancellationToken cancellation)
        => ExecuteAsync(connection, """
            UPDATE reconciliation_runs
               SET started_at = coalesce(started_at, now()), after_team_id = $2, teams_checked = teams_checked + $3, differences = differences + $4,
                   redis_balances_seeded = redis_balances_seeded + $5, redis_holds_removed = redis_holds_removed + $6,
                   redis_teams_skipped = redis_teams_skipped + $7
             WHERE run_id = $1
            """, cancellation,
            Sql.Value(runId), Sql.Value(teams[^1]), Sql.Value(teams.Count), Sql.Value(differences),
            Sql.Value(redis.Seeded), Sql.Value(redis.HoldsRemoved), Sql.Value(redis.Skipped));

    /// <summary>Ends a run, and forgets the oldest ones.</summary>
    public Task FinishAsync(NpgsqlConnection connection, Guid runId, CancellationToken cancellation) => ExecuteAsync(connection, """
        WITH finished AS (
          UPDATE reconciliation_runs SET started_at = coalesce(started_at, now()), finished_at = clock_timestamp() WHERE run_id = $1)
        DELETE FROM reconciliation_runs
         WHERE run_id IN (SELECT run_id FROM reconciliation_runs WHERE finished_at IS NOT NULL ORDER BY finished_at DESC OFFSET $2)
        """, cancellation, Sql.Value(runId), Sql.Value(options.RunsKept - 1));

    /// <summary>What stands of these teams is now this. The answer: what was not known before.</summary>
    public async Task<IReadOnlyList<Difference>> RecordAsync(
        NpgsqlConnection connection, IReadOnlyList<string> teams, IReadOnlyList<Difference> found, CancellationToken cancellation)
    {
        var (ofTeams, kinds, subjects) = (
            Sql.Value<string[]>([.. found.Select(one => one.TeamId)]),
            Sql.Value<string[]>([.. found.Select(one => one.Kind)]),
            Sql.Value<string[]>([.. found.Select(one => one.Subject)]));
        await ExecuteAsync(connection, """
            DELETE FROM reconciliation_differences d
             WHERE d.team_id = ANY ($1)
               AND NOT EXISTS (SELECT 1 FROM unnest($2, $3, $4) AS u(a, b, c) WHERE (u.a, u.b, u.c) = (d.team_id, d.kind, d.subject))
            """, cancellation, Sql.Value<string[]>([.. teams]), ofTeams.Clone(), kinds.Clone(), subjects.Clone());
        if (found.Count == 0)
        {
            return [];
        }

        var ids = found.Select(_ => Uuid7.New(time)).ToArray();
        await using var command = new NpgsqlCommand("""
            INSERT INTO reconciliation_differences AS d (difference_id, team_id, kind, subject, expected, found)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6)
            ON CONFLICT ON CONSTRAINT ux_reconciliation_differences_what
            DO UPDATE SET expected = excluded.expected, found = excluded.found, last_seen = now()
            RETURNING team_id, kind, subject, expected, found, difference_id
            """, connection)
        {
            Parameters =
            {
                Sql.Value(ids), ofTeams, kinds, subjects,
                Sql.Value<decimal[]>([.. found.Select(one => one.Expected)]),
                Sql.Value<decimal[]>([.. found.Select(one => one.Found)]),
            },
        };
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<Difference> unknown = [];
        while (await rows.ReadAsync(cancellation))
        {
            if (ids.Contains(rows.GetGuid(5)))
            {
                unknown.Add(new(rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.GetDecimal(3), rows.GetDecimal(4)));
            }
        }

        return unknown;
    }

    /// <summary>How many differences of each kind stand.</summary>
    public static async Task<IReadOnlyDictionary<string, long>> StandingAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT kind, count(*) FROM reconciliation_differences GROUP BY kind", connection);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        Dictionary<string, long> standing = new(StringComparer.Ordinal);
        while (await rows.ReadAsync(cancellation))
        {
            standing[rows.GetString(0)] = rows.GetInt64(1);
        }

        return standing;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation, params NpgsqlParameter[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(values);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
