using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>A plan that a pass looks at.</summary>
/// <param name="HoldState">Of its job; null: the ledger knows no such job.</param>
internal sealed record DuePlan(
    string TeamId, JobId JobId, string State, string? HoldState, bool Continues, int Succeeded, int Carried, int Failed, string? FailureCode,
    string? FailureMessage);

/// <summary>Finds the plans whose time has come; each is given to one runner at a time.</summary>
internal sealed class DuePlans(BackgroundDatabase database)
{
    // Longer than the ledger waits for a running call.
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(30);

    /// <summary>$1 at most, $2 lease.</summary>
    internal const string Take = """
        WITH due AS (
          SELECT team_id, job_id FROM background_jobs
           WHERE state <> 'ended' AND due_at <= (SELECT ledger_now()) ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED),
        taken AS (
          UPDATE background_jobs b SET due_at = ledger_now() + $2 FROM due d WHERE b.team_id = d.team_id AND b.job_id = d.job_id
          RETURNING b.team_id, b.job_id, b.state, b.on_step_failure, b.succeeded, b.carried, b.failed, b.failure_code, b.failure_message)
        SELECT t.team_id, t.job_id, t.state, j.hold_state, t.on_step_failure = 'continue', t.succeeded, t.carried, t.failed,
               t.failure_code, t.failure_message
          FROM taken t LEFT JOIN LATERAL (SELECT hold_state FROM jobs WHERE team_id = t.team_id AND job_id = t.job_id) j ON true
        """;

    private const string Later = """
        UPDATE background_jobs SET due_at = ledger_now() + $3 WHERE team_id = $1 AND job_id = $2 AND state <> 'ended'
        """;

    /// <summary>$1 team_id, $2 job_id, $3 how long a runner has to end its call itself.</summary>
    internal const string Unbilled = """
        SELECT s.team_id, s.job_id, s.ordinal, s.call_end, s.ended_at + $3 < ledger_now() AS is_late FROM background_steps s
         WHERE s.team_id = $1 AND s.job_id = $2 AND s.status = 'succeeded' AND s.call_end IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM llm_calls c WHERE c.team_id = s.team_id AND c.call_id = s.call_id)
         ORDER BY is_late
        """;

    public async Task<IReadOnlyList<DuePlan>> TakeAsync(int max, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(Take);
        command.Parameters.Add(Sql.Value(max));
        command.Parameters.Add(Sql.Value(s_lease));
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<DuePlan> due = [];
        while (await rows.ReadAsync(cancellation))
        {
            due.Add(new(
                rows.GetString(0), new(rows.GetGuid(1)), rows.GetString(2), Text(rows, 3), rows.GetBoolean(4), rows.GetInt32(5), rows.GetInt32(6),
                rows.GetInt32(7), Text(rows, 8), Text(rows, 9)));
        }

        return due;
    }

    public async Task LookAgainAsync(DuePlan plan, TimeSpan wait, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(Later);
        command.Parameters.Add(Sql.Value(plan.TeamId));
        command.Parameters.Add(Sql.Value(plan.JobId.Value));
        command.Parameters.Add(Sql.Value(wait));
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Steps that succeeded and whose calls the ledger has no end of, with those ends, still sealed; first those whose runners have time left.</summary>
    public async Task<IReadOnlyList<(StepId Id, byte[] CallEnd, bool IsLate)>> UnbilledAsync(DuePlan plan, TimeSpan ownersTime, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(Unbilled);
        command.Parameters.Add(Sql.Value(plan.TeamId));
        command.Parameters.Add(Sql.Value(plan.JobId.Value));
        command.Parameters.Add(Sql.Value(ownersTime));
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<(StepId, byte[], bool)> unbilled = [];
        while (await rows.ReadAsync(cancellation))
        {
            unbilled.Add((new(rows.GetString(0), new(rows.GetGuid(1)), rows.GetInt32(2)), rows.GetFieldValue<byte[]>(3), rows.GetBoolean(4)));
        }

        return unbilled;
    }

    private static string? Text(NpgsqlDataReader rows, int column) => rows.IsDBNull(column) ? null : rows.GetString(column);
}
