using Npgsql;

namespace SaasLlm.Benchmarks.Crash.Checks;

/// <summary>What must hold in Postgres, each as a query that finds what breaks it.</summary>
internal static class LedgerChecks
{
    /// <summary>Hold at every commit, whatever runs or died.</summary>
    private static readonly (string Name, string Sql)[] s_always =
    [
        ("account is not the sum of its transactions", """
            SELECT c.team_id || ': allocated ' || c.allocated || ', used ' || c.used || ', transactions ' || coalesce(x.total, 0)
              FROM team_credits c
              LEFT JOIN (SELECT team_id, sum(amount) AS total FROM credit_transactions GROUP BY team_id) x USING (team_id)
             WHERE c.allocated - c.used <> coalesce(x.total, 0)
            """),
        ("allocated is not the sum of the grants", """
            SELECT c.team_id || ': allocated ' || c.allocated || ', granted ' || coalesce(x.total, 0)
              FROM team_credits c
              LEFT JOIN (SELECT team_id, sum(amount) AS total FROM credit_transactions WHERE kind NOT IN ('deduction', 'refund') GROUP BY team_id) x USING (team_id)
             WHERE c.allocated <> coalesce(x.total, 0)
            """),
        ("used is not the sum of the deductions", """
            SELECT c.team_id || ': used ' || c.used || ', deductions ' || coalesce(x.total, 0)
              FROM team_credits c
              LEFT JOIN (SELECT team_id, -sum(amount) AS total FROM credit_transactions WHERE kind IN ('deduction', 'refund') GROUP BY team_id) x USING (team_id)
             WHERE c.used <> coalesce(x.total, 0)
            """),
        ("month's use is not the sum of its deductions", """
            SELECT c.team_id || ': ' || c.month_used || ', deductions ' || coalesce(x.total, 0)
              FROM team_credits c
              LEFT JOIN LATERAL (SELECT -sum(t.amount) AS total FROM credit_transactions t
                WHERE t.team_id = c.team_id AND t.kind IN ('deduction', 'refund')
                  AND date_trunc('month', t.created_at AT TIME ZONE 'utc')::date = c.month_start) x ON true
             WHERE c.month_used <> coalesce(x.total, 0)
            """),
        ("held is not the sum of the open holds", """
            SELECT c.team_id || ': held ' || c.held || ', open holds ' || coalesce(h.total, 0)
              FROM team_credits c
              LEFT JOIN (SELECT team_id, sum(hold_amount) AS total FROM jobs WHERE hold_state = 'held' GROUP BY team_id) h USING (team_id)
             WHERE c.held <> coalesce(h.total, 0)
            """),
        ("lots are not the account", """
            SELECT c.team_id || ': remaining ' || c.allocated - c.used || ', lots ' || coalesce(l.remaining, 0) || '; held ' || c.held || ', reserved ' || coalesce(l.reserved, 0)
              FROM team_credits c
              LEFT JOIN (SELECT team_id, sum(remaining) AS remaining, sum(reserved) AS reserved FROM credit_lots GROUP BY team_id) l USING (team_id)
             WHERE c.allocated - c.used <> coalesce(l.remaining, 0) OR c.held <> coalesce(l.reserved, 0)
            """),
        ("lot is not the sum of its transactions", """
            SELECT l.team_id || ' ' || l.lot_id || ': ' || l.remaining || ' of ' || coalesce(x.total, 0)
              FROM credit_lots l
              LEFT JOIN (SELECT t.team_id, u.lot_id, sum(u.amount) AS total FROM credit_transactions t, unnest(t.lot_ids, t.lot_amounts) AS u(lot_id, amount)
                          GROUP BY t.team_id, u.lot_id) x USING (team_id, lot_id)
             WHERE l.remaining <> coalesce(x.total, 0)
            """),
        ("lot's reserve is not the holds on it", """
            SELECT l.team_id || ' ' || l.lot_id || ': ' || l.reserved || ' for ' || coalesce(x.total, 0)
              FROM credit_lots l
              LEFT JOIN (SELECT j.team_id, u.lot_id, sum(u.amount) AS total FROM jobs j, unnest(j.lot_ids, j.lot_amounts) AS u(lot_id, amount)
                          WHERE j.hold_state = 'held' GROUP BY j.team_id, u.lot_id) x USING (team_id, lot_id)
             WHERE l.reserved <> coalesce(x.total, 0)
            """),
        ("transaction is not the sum of its lots", """
            SELECT team_id || ' #' || sequence FROM credit_transactions
             WHERE amount <> (SELECT coalesce(sum(part), 0) FROM unnest(lot_amounts) AS part)
            """),
        ("deduction burned other lots than the job says", """
            SELECT j.team_id || ' ' || j.job_id FROM jobs j
              JOIN credit_transactions t ON t.team_id = j.team_id AND t.job_id = j.job_id AND t.kind = 'deduction'
             WHERE t.lot_ids <> j.lot_ids OR t.lot_amounts <> (SELECT array_agg(-part ORDER BY place) FROM unnest(j.lot_amounts) WITH ORDINALITY AS p(part, place))
            """),
        ("refunds are not what the job says", """
            SELECT j.team_id || ' ' || j.job_id || ': ' || j.refunded_amount || ' of ' || coalesce(x.total, 0)
              FROM jobs j
              LEFT JOIN (SELECT team_id, job_id, sum(amount) AS total FROM credit_transactions WHERE kind = 'refund' GROUP BY team_id, job_id) x USING (team_id, job_id)
             WHERE j.refunded_amount <> coalesce(x.total, 0)
            """),
        ("account is overdrawn", """
            SELECT team_id FROM team_credits WHERE allocated - used - held < 0 OR held < 0
            """),
        ("chain has a gap", """
            SELECT team_id || ' #' || sequence FROM (
              SELECT team_id, sequence, credits_before, credits_after, amount,
                     lag(credits_after, 1, 0::numeric) OVER w AS previous, lag(sequence, 1, 0::bigint) OVER w AS number
                FROM credit_transactions WINDOW w AS (PARTITION BY team_id ORDER BY sequence)) t
             WHERE credits_before <> previous OR sequence <> number + 1 OR credits_after <> credits_before + amount
            """),
        ("chain does not end where the account says", """
            SELECT c.team_id || ': ' || c.last_sequence FROM team_credits c
             WHERE c.last_sequence <> coalesce((SELECT max(sequence) FROM credit_transactions t WHERE t.team_id = c.team_id), 0)
            """),
        ("job is charged more than once", """
            SELECT team_id || ' ' || job_id FROM credit_transactions WHERE kind = 'deduction' GROUP BY team_id, job_id HAVING count(*) > 1
            """),
        ("deduction is not what the job says", """
            SELECT j.team_id || ' ' || j.job_id || ' ' || j.status || ': settled ' || j.settled_amount || ', deducted ' || coalesce(x.total, 0)
              FROM jobs j
              LEFT JOIN (SELECT team_id, job_id, -sum(amount) AS total FROM credit_transactions WHERE kind = 'deduction' GROUP BY team_id, job_id) x
                USING (team_id, job_id)
             WHERE coalesce(x.total, 0) <> j.settled_amount OR j.credit_applied <> (j.settled_amount > 0)
            """),
        ("job that did not complete is charged", """
            SELECT j.team_id || ' ' || j.job_id || ' ' || j.status FROM jobs j
             WHERE j.status <> 'completed' AND (j.settled_amount <> 0
                OR EXISTS (SELECT 1 FROM credit_transactions t WHERE t.team_id = j.team_id AND t.job_id = j.job_id AND t.kind = 'deduction'))
            """),
        ("deduction without its job", """
            SELECT t.team_id || ' #' || t.sequence FROM credit_transactions t
             WHERE t.kind = 'deduction' AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.team_id = t.team_id AND j.job_id = t.job_id)
            """),
        ("job's end has not exactly its one event", """
            SELECT j.team_id || ' ' || j.job_id || ' ' || j.status || ': ' || count(o.message_id)
              FROM jobs j LEFT JOIN outbox o ON o.team_id = j.team_id AND o.dedupe_key = 'job:' || j.job_id || ':' || j.status
             GROUP BY j.team_id, j.job_id, j.status, j.hold_state
            HAVING count(o.message_id) <> CASE j.hold_state WHEN 'held' THEN 0 ELSE 1 END
            """),
        ("grant has not exactly its one event", """
            SELECT t.team_id || ' #' || t.sequence || ': ' || count(o.message_id)
              FROM credit_transactions t LEFT JOIN outbox o ON o.team_id = t.team_id AND o.dedupe_key = 'transaction:' || t.transaction_id
             WHERE t.kind IN ('topup', 'promotion', 'subscription', 'refill') GROUP BY t.team_id, t.sequence HAVING count(o.message_id) <> 1
            """),
        // Between the grant and the next tick's time one more may be there than ticks are decided.
        ("refill is given more than once for a tick", """
            SELECT r.team_id || ': ' || count(t.team_id) || ' until ' || r.next_refill_at FROM credit_refills r
              JOIN credit_transactions t ON t.team_id = r.team_id AND t.kind = 'refill'
             WHERE r.period = 'daily' GROUP BY r.team_id HAVING count(t.team_id) > extract(epoch FROM r.next_refill_at - r.starts_at) / 86400 + 1
            """),
        ("job counts other calls than were started", """
            SELECT j.team_id || ' ' || j.job_id || ': ' || j.started_calls || ' of ' || count(DISTINCT a.call_id)
              FROM jobs j LEFT JOIN llm_attempts a USING (team_id, job_id)
             GROUP BY j.team_id, j.job_id, j.started_calls HAVING j.started_calls <> count(DISTINCT a.call_id)
            """),
        ("call succeeded without an attempt that did", """
            SELECT c.team_id || ' ' || c.call_id FROM llm_calls c
             WHERE c.status = 'succeeded' AND NOT EXISTS (
               SELECT 1 FROM llm_attempts a WHERE a.team_id = c.team_id AND a.call_id = c.call_id
                  -- Given up by the sweep before its answer came: that stays so, and is never billed.
                  AND (a.status = 'succeeded' OR a.outcome = 'abandoned'))
            """),
    ];

    /// <summary>Hold once the sweeps had their time.</summary>
    private static readonly (string Name, string Sql)[] s_quiet =
    [
        ("job is open past its deadline", """
            SELECT team_id || ' ' || job_id FROM jobs WHERE hold_state = 'held' AND deadline_at < ledger_now()
            """),
        ("refill is not given once for each tick", """
            SELECT r.team_id || ': ' || count(t.team_id) || ' until ' || r.next_refill_at FROM credit_refills r
              LEFT JOIN credit_transactions t ON t.team_id = r.team_id AND t.kind = 'refill'
             WHERE r.is_enabled AND r.period = 'daily' AND r.mode = 'amount' GROUP BY r.team_id
            HAVING r.next_refill_at <= ledger_now() OR count(t.team_id) <> extract(epoch FROM r.next_refill_at - r.starts_at) / 86400
            """),
        ("attempt runs past its deadline", """
            SELECT team_id || ' ' || attempt_id FROM llm_attempts WHERE status = 'running' AND deadline_at < ledger_now() - make_interval(secs => $1)
            """),
    ];

    public static Task<IReadOnlyList<string>> AlwaysAsync(NpgsqlDataSource source) => SnapshotAsync(source, AlwaysAsync);

    /// <param name="attemptGrace">After its deadline an attempt may still be waited for.</param>
    public static Task<IReadOnlyList<string>> QuietAsync(NpgsqlDataSource source, TimeSpan attemptGrace)
        => SnapshotAsync(source, connection => QuietAsync(connection, attemptGrace));

    /// <summary>In whatever transaction the connection is.</summary>
    public static Task<IReadOnlyList<string>> AlwaysAsync(NpgsqlConnection connection) => FindAsync(connection, s_always, null);

    /// <summary>In whatever transaction the connection is.</summary>
    public static Task<IReadOnlyList<string>> QuietAsync(NpgsqlConnection connection, TimeSpan attemptGrace) => FindAsync(connection, s_quiet, attemptGrace);

    // One snapshot for all: between two statements the load goes on.
    private static async Task<IReadOnlyList<string>> SnapshotAsync(NpgsqlDataSource source, Func<NpgsqlConnection, Task<IReadOnlyList<string>>> find)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        return await find(connection);
    }

    private static async Task<IReadOnlyList<string>> FindAsync(NpgsqlConnection connection, (string Name, string Sql)[] checks, TimeSpan? grace)
    {
        List<string> found = [];
        foreach (var (name, sql) in checks)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            if (sql.Contains("$1", StringComparison.Ordinal))
            {
                command.Parameters.Add(new NpgsqlParameter<double> { TypedValue = grace!.Value.TotalSeconds });
            }

            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
            {
                found.Add($"{name}: {rows.GetString(0)}");
            }
        }

        return found;
    }
}
