using Npgsql;

namespace SaasLlm.Benchmarks.Crash.Runners;

/// <summary>What must hold of submitted jobs once all is quiet, each as a query that finds what breaks it.</summary>
internal static class RunnersChecks
{
    private static readonly (string Name, string Sql)[] s_checks =
    [
        ("submitted job has not ended", """
            SELECT j.team_id || ' ' || j.job_id || ': ' || j.status || ', plan ' || coalesce(b.state, 'gone') FROM jobs j
              LEFT JOIN background_jobs b USING (team_id, job_id)
             WHERE j.job_type LIKE 'runners%' AND (j.hold_state = 'held' OR b.state IS DISTINCT FROM 'ended')
            """),
        ("plan without its job", """
            SELECT b.team_id || ' ' || b.job_id FROM background_jobs b WHERE NOT EXISTS (SELECT 1 FROM jobs j WHERE j.team_id = b.team_id AND j.job_id = b.job_id)
            """),
        ("submitted job has not exactly one end", """
            SELECT b.team_id || ' ' || b.job_id || ': ' || count(o.message_id) FROM background_jobs b
              LEFT JOIN outbox o ON o.team_id = b.team_id AND o.payload ->> 'job_id' = b.job_id::text
                AND o.topic IN ('job.completed', 'job.failed', 'job.cancelled', 'job.expired')
             GROUP BY b.team_id, b.job_id HAVING count(o.message_id) <> 1
            """),
        ("event is raised twice", """
            SELECT team_id || ' ' || topic || ' ' || dedupe_key FROM outbox GROUP BY team_id, topic, dedupe_key HAVING count(*) > 1
            """),
        ("plan counts other steps than it has", """
            SELECT b.team_id || ' ' || b.job_id FROM background_jobs b
             CROSS JOIN LATERAL (
               SELECT count(*) AS total, count(*) FILTER (WHERE status = 'succeeded') AS succeeded, count(*) FILTER (WHERE status = 'failed') AS failed,
                      count(*) FILTER (WHERE status = 'skipped') AS skipped, count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
                      count(DISTINCT ended_sequence) AS ends, max(ended_sequence) AS newest
                 FROM background_steps s WHERE s.team_id = b.team_id AND s.job_id = b.job_id) c
             WHERE (b.total, b.succeeded, b.failed, b.skipped, b.cancelled, b.in_flight) <> (c.total, c.succeeded, c.failed, c.skipped, c.cancelled, 0)
                OR b.succeeded + b.failed + b.skipped + b.cancelled <> b.total OR c.ends <> b.total OR c.newest <> b.total OR b.last_sequence <> b.total + 1
            """),
        ("team counts steps that it has not", """
            SELECT team_id || ': ' || ready || ' ready, ' || running || ' running' FROM background_teams WHERE ready <> 0 OR running <> 0
            """),
        ("job ended other than its steps", """
            SELECT b.team_id || ' ' || b.job_id || ': ' || j.status || ', ' || b.succeeded || ' of ' || b.total || ' succeeded, ' || b.failed || ' failed'
              FROM background_jobs b JOIN jobs j USING (team_id, job_id)
             CROSS JOIN LATERAL (SELECT CASE b.on_step_failure WHEN 'continue' THEN b.succeeded > 0 AND b.cancelled = 0 ELSE b.succeeded = b.total END AS is_well) c
             WHERE CASE j.status WHEN 'completed' THEN NOT c.is_well WHEN 'failed' THEN c.is_well OR b.failed = 0 WHEN 'cancelled' THEN false ELSE true END
            """),
        ("step was billed more than once", """
            SELECT c.team_id || ' ' || c.job_id || ' ' || c.purpose || ': ' || count(*) FROM llm_calls c
              JOIN background_jobs b USING (team_id, job_id)
             WHERE c.status = 'succeeded' AND b.template IS NULL GROUP BY c.team_id, c.job_id, c.purpose HAVING count(*) > 1
            """),
        ("more calls were billed than steps succeeded", """
            SELECT b.team_id || ' ' || b.job_id || ': ' || c.calls || ' of ' || b.succeeded || ', job says ' || j.successful_calls
              FROM background_jobs b JOIN jobs j USING (team_id, job_id)
             CROSS JOIN LATERAL (SELECT count(*) AS calls FROM llm_calls WHERE team_id = b.team_id AND job_id = b.job_id AND status = 'succeeded') c
             WHERE c.calls > b.succeeded OR j.successful_calls > b.succeeded OR (j.status = 'completed' AND (c.calls <> b.succeeded OR j.successful_calls <> b.succeeded))
            """),
        ("billed call is not its step's", """
            SELECT s.team_id || ' ' || s.job_id || ' ' || s.name FROM background_steps s
              JOIN jobs j USING (team_id, job_id)
             WHERE j.status = 'completed' AND s.status = 'succeeded'
               AND NOT EXISTS (SELECT 1 FROM llm_calls c WHERE c.team_id = s.team_id AND c.call_id = s.call_id AND c.job_id = s.job_id AND c.status = 'succeeded'
                                  AND c.input_tokens + c.output_tokens = s.tokens)
            """),
        ("charge is not exact", """
            SELECT j.team_id || ' ' || j.job_id || ' ' || j.status || ' ' || j.budget_mode || ': ' || j.settled_amount || ' of ' || due.credits
              FROM jobs j JOIN background_jobs b USING (team_id, job_id) JOIN team_credits t USING (team_id)
             CROSS JOIN LATERAL (
               SELECT sum(c.client_cost_usd) AS usd, sum(c.input_tokens + c.output_tokens) AS tokens
                 FROM llm_calls c JOIN background_steps s ON s.team_id = c.team_id AND s.call_id = c.call_id
                WHERE c.team_id = j.team_id AND c.job_id = j.job_id AND c.status = 'succeeded') used
             CROSS JOIN LATERAL (
               SELECT CASE WHEN j.status <> 'completed' THEN 0 WHEN t.budget_mode = 'job_based' THEN t.credits_per_job
                           ELSE greatest(1, ceil(CASE t.budget_mode WHEN 'consumption_usd' THEN used.usd * t.credits_per_dollar ELSE used.tokens::numeric / t.tokens_per_credit END
                                                 / t.credit_increment)) * t.credit_increment END AS credits) due
             WHERE due.credits IS NULL OR j.settled_amount <> due.credits OR j.uncollected_credits <> 0
            """),
        ("team is charged other than its completed jobs", """
            SELECT t.team_id || ': ' || t.used || ' of ' || d.jobs * t.credits_per_job FROM team_credits t
             CROSS JOIN LATERAL (SELECT count(*) AS jobs FROM jobs j WHERE j.team_id = t.team_id AND j.status = 'completed') d
             WHERE t.budget_mode = 'job_based' AND t.used <> d.jobs * t.credits_per_job
            """),
        ("delivery is not done", """
            SELECT endpoint_id || ' ' || message_id || ': ' || state || coalesce(' ' || error, '') FROM webhook_deliveries WHERE state <> 'delivered'
            """),
        ("event is not relayed", "SELECT team_id || ' ' || dedupe_key FROM outbox WHERE relayed_at IS NULL"),
    ];

    /// <summary>In one snapshot.</summary>
    public static async Task<IReadOnlyList<string>> FindAsync(NpgsqlDataSource source)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        return await FindAsync(connection);
    }

    /// <summary>In whatever transaction the connection is.</summary>
    public static async Task<IReadOnlyList<string>> FindAsync(NpgsqlConnection connection)
    {
        List<string> found = [];
        foreach (var (name, sql) in s_checks)
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 600 };
            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
            {
                found.Add($"{name}: {(rows.IsDBNull(0) ? "?" : rows.GetString(0))}");
            }
        }

        return found;
    }
}
