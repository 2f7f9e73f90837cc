namespace SaasLlm.Core.Credits.Writing;

/// <summary>
/// The writer's statements: a fixed few, each for a whole batch. Rows are locked accounts first, then jobs, both in key order,
/// by every process: no two batches can wait for each other.
/// </summary>
/// <remarks>
/// A batch's rows come as one array a column, all of one length. Unnested in the select list they go straight on; unnested in FROM,
/// Postgres would first store every column's rows apart, at more than twice the cost.
/// </remarks>
internal static class LedgerSql
{
    /// <summary>
    /// The tables may be empty when a plan is made: these settings keep it on the indexes, from the first row to the last.
    /// A batch is small beside its tables, so one index look-up a row is right. Which of a table's indexes, an empty table
    /// does not tell: therefore the session plans anew as they grow.
    /// </summary>
    public const string Settings = """
        SET plan_cache_mode = force_generic_plan;
        SET enable_seqscan = off;
        SET enable_hashjoin = off;
        SET enable_mergejoin = off;
        SET enable_material = off;
        SET jit = off;
        SET idle_in_transaction_session_timeout = '30s';
        """;

    public const string LockAccounts = """
        SELECT c.team_id, t.organization_id, t.status = 'suspended', c.allocated, c.used, c.held, c.budget_mode,
               c.credits_per_job, c.credits_per_dollar, c.tokens_per_credit, c.credit_increment, c.markup_percent, c.credit_limit,
               c.month_used, c.month_start, c.version, c.last_sequence, c.low_thresholds, c.month_uncharged_usd, c.uncharged_threshold_usd,
               c.raises_job_events
          FROM unnest($1) AS wanted(team_id)
          JOIN team_credits c ON c.team_id = wanted.team_id
          JOIN teams t ON t.team_id = c.team_id
         ORDER BY c.team_id
           FOR UPDATE OF c
        """;

    /// <summary>The lots of accounts that are locked: nobody else changes them.</summary>
    public const string OpenLots = """
        SELECT l.team_id, l.lot_id, l.priority, l.expires_at, l.created_at, l.granted, l.remaining, l.reserved
          FROM unnest($1) AS wanted(team_id)
         CROSS JOIN LATERAL (SELECT * FROM credit_lots WHERE team_id = wanted.team_id AND is_open OFFSET 0) l
        """;

    /// <summary>The lots that jobs have burned, empty or not.</summary>
    public const string BurnedLots = """
        SELECT l.team_id, l.lot_id, l.priority, l.expires_at, l.created_at, l.granted, l.remaining, l.reserved
          FROM unnest($1, $2) AS wanted(team_id, job_id)
         CROSS JOIN LATERAL (SELECT lot_ids FROM jobs WHERE team_id = wanted.team_id AND job_id = wanted.job_id OFFSET 0) j
         CROSS JOIN LATERAL (SELECT * FROM credit_lots WHERE team_id = wanted.team_id AND lot_id = ANY (j.lot_ids) OFFSET 0) l
        """;

    /// <summary>
    /// Laterally, here and below: each row is looked up by its whole key. Joined, the planner may take all rows of a team and
    /// filter them, for it does not know yet that a team has many.
    /// </summary>
    public const string LockJobs = """
        SELECT j.team_id, j.job_id, t.status = 'suspended', j.status, j.budget_mode, j.price, j.credits_per_dollar, j.tokens_per_credit,
               j.credit_increment, j.markup_percent, j.max_calls, j.max_cost_usd, j.created_at, j.deadline_at, j.hold_amount,
               j.lot_ids, j.lot_amounts, j.refunded_amount, j.hold_state, j.settled_amount, j.uncollected_credits, j.started_calls,
               j.successful_calls, j.failed_calls, j.input_tokens, j.output_tokens, j.provider_cost_usd, j.client_cost_usd,
               j.latency_ms_sum, j.model_groups_used, j.error_message, j.credit_applied, j.credit_reason,
               j.credits_remaining, j.started_at, j.completed_at, j.price_version, j.runs_itself,
               j.job_type, j.user_id, j.external_task_id,
               -- Asked for a job's first call alone.
               CASE WHEN j.started_calls = 0 THEN (SELECT raises_job_events FROM team_credits WHERE team_id = wanted.team_id) ELSE false END
          FROM (SELECT * FROM unnest($1, $2) AS keys(team_id, job_id) ORDER BY team_id, job_id) wanted
         CROSS JOIN LATERAL (SELECT * FROM jobs WHERE team_id = wanted.team_id AND job_id = wanted.job_id FOR UPDATE) j
         CROSS JOIN LATERAL (SELECT status FROM teams WHERE team_id = wanted.team_id OFFSET 0) t
        """;

    /// <summary>$3 is an id that no attempt of these jobs precedes: older partitions are not looked at.</summary>
    public const string RunningAttempts = """
        SELECT a.team_id, a.job_id, a.attempt_id, a.call_id, a.deadline_at, a.estimated_tokens, a.estimated_cost_usd
          FROM unnest($1, $2) AS wanted(team_id, job_id)
         CROSS JOIN LATERAL (
           SELECT * FROM llm_attempts
            WHERE team_id = wanted.team_id AND job_id = wanted.job_id AND status = 'running' AND attempt_id >= $3
           OFFSET 0) a
        """;

    public const string RecordedCalls = """
        SELECT c.team_id, c.call_id
          FROM unnest($1, $2) AS wanted(team_id, call_id)
         CROSS JOIN LATERAL (SELECT team_id, call_id FROM llm_calls WHERE team_id = wanted.team_id AND call_id = wanted.call_id OFFSET 0) c
        """;

    private const string TransactionColumns
        = "x.transaction_id, x.team_id, x.sequence, x.kind, x.amount, x.credits_before, x.credits_after, x.job_id, x.reason, x.lot_ids, x.lot_amounts, x.created_at";

    /// <summary>No deduction is asked for by its id.</summary>
    public const string PostedTransactions = $"""
        SELECT {TransactionColumns}
          FROM unnest($1, $2) AS wanted(team_id, transaction_id)
         CROSS JOIN LATERAL (
           SELECT * FROM credit_transactions
            WHERE team_id = wanted.team_id AND transaction_id = wanted.transaction_id AND kind <> 'deduction' OFFSET 0) x
        """;

    public const string GrantedLots = $"""
        SELECT {TransactionColumns}, wanted.source, wanted.reference
          FROM unnest($1, $2, $3) AS wanted(team_id, source, reference)
         CROSS JOIN LATERAL (
           SELECT lot_id FROM credit_lots
            WHERE team_id = wanted.team_id AND source = wanted.source AND reference = wanted.reference OFFSET 0) l
         CROSS JOIN LATERAL (
           SELECT * FROM credit_transactions
            WHERE team_id = wanted.team_id AND transaction_id = l.lot_id AND kind <> 'deduction' OFFSET 0) x
        """;

    /// <summary>Comes last, when every lock is had.</summary>
    public const string Clock = "SELECT ledger_now(), pg_current_xact_id()::text";

    public const string InsertJobs = """
        INSERT INTO jobs (team_id, job_id, organization_id, job_type, user_id, external_task_id, metadata, budget_mode, price,
                          credits_per_dollar, tokens_per_credit, credit_increment, markup_percent, max_calls, max_cost_usd,
                          deadline_at, hold_amount, lot_ids, lot_amounts, created_at, status, started_calls, started_at,
                          model_groups_used, price_version, runs_itself)
        SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7)::jsonb, unnest($8),
               unnest($9), unnest($10), unnest($11), unnest($12), unnest($13), unnest($14), unnest($15), unnest($16),
               unnest($17), unnest($18)::uuid[], unnest($19)::numeric[], unnest($20), unnest($21), unnest($22), unnest($23),
               string_to_array(unnest($24), ','),
               -- Null is the newest there is.
               unnest(array_replace($25, NULL::bigint, (SELECT coalesce(max(version), 0) FROM price_versions))),
               unnest($26)
        """;

    public const string UpdateJobs = """
        UPDATE jobs j
           SET status = u.c, hold_state = u.d, settled_amount = u.e, uncollected_credits = u.f, started_calls = u.g,
               successful_calls = u.h, failed_calls = u.i, input_tokens = u.j, output_tokens = u.k, provider_cost_usd = u.l,
               client_cost_usd = u.m, latency_ms_sum = u.n, model_groups_used = string_to_array(u.o, ','), error_message = u.p,
               credit_applied = u.q, credit_reason = u.r, credits_remaining = u.s, started_at = u.t, completed_at = u.u,
               metadata = CASE WHEN u.v IS NULL THEN j.metadata ELSE j.metadata || u.v::jsonb END,
               hold_amount = u.w, lot_ids = u.x::uuid[], lot_amounts = u.y::numeric[], refunded_amount = u.z
          FROM (SELECT unnest($1) AS a, unnest($2) AS b, unnest($3) AS c, unnest($4) AS d, unnest($5) AS e, unnest($6) AS f,
                       unnest($7) AS g, unnest($8) AS h, unnest($9) AS i, unnest($10) AS j, unnest($11) AS k,
                       unnest($12) AS l, unnest($13) AS m, unnest($14) AS n, unnest($15) AS o, unnest($16) AS p,
                       unnest($17) AS q, unnest($18) AS r, unnest($19) AS s, unnest($20) AS t, unnest($21) AS u,
                       unnest($22) AS v, unnest($23) AS w, unnest($24) AS x, unnest($25) AS y, unnest($26) AS z) u
         WHERE j.team_id = u.a AND j.job_id = u.b
        """;

    public const string UpdateAccounts = """
        UPDATE team_credits c
           SET allocated = u.b, used = u.c, held = u.d, month_used = u.e, month_start = u.f, version = u.g, last_sequence = u.h,
               month_uncharged_usd = u.i, updated_at = $10
          FROM (SELECT unnest($1) AS a, unnest($2) AS b, unnest($3) AS c, unnest($4) AS d, unnest($5) AS e, unnest($6) AS f,
                       unnest($7) AS g, unnest($8) AS h, unnest($9) AS i) u
         WHERE c.team_id = u.a
        """;

    /// <summary>One account at a time: nobody is in a hurry here.</summary>
    public const string ConfigureAccount = """
        UPDATE team_credits
           SET budget_mode = $2, credits_per_job = $3, credits_per_dollar = $4, tokens_per_credit = $5, credit_increment = $6,
               markup_percent = $7, credit_limit = $8, low_thresholds = $9, uncharged_threshold_usd = $10
         WHERE team_id = $1
        """;

    public const string InsertLots = """
        INSERT INTO credit_lots (team_id, lot_id, source, reference, priority, expires_at, cost_basis_usd, granted, remaining, created_at)
        SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($8),
               unnest($9)
        """;

    public const string UpdateLots = """
        UPDATE credit_lots l
           SET remaining = u.c, reserved = u.d, expires_at = u.e
          FROM (SELECT unnest($1) AS a, unnest($2) AS b, unnest($3) AS c, unnest($4) AS d, unnest($5) AS e) u
         WHERE l.team_id = u.a AND l.lot_id = u.b
        """;

    public const string InsertTransactions = """
        INSERT INTO credit_transactions (team_id, sequence, transaction_id, kind, amount, credits_before, credits_after, job_id, reason,
                                         lot_ids, lot_amounts, created_at)
        SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
               unnest($10)::uuid[], unnest($11)::numeric[], unnest($12)
        """;

    public const string InsertAttempts = """
        INSERT INTO llm_attempts (team_id, attempt_id, call_id, job_id, attempt_number, model_name, deadline_at, started_at,
                                  estimated_tokens, estimated_cost_usd)
        SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
               unnest($10)
        """;

    /// <summary>
    /// An attempt is closed once: what was marked unknown stays so. Asked as <c>ended_at IS NULL</c>, for the partial index on
    /// running attempts would tempt the planner to read all of them.
    /// </summary>
    public const string CloseAttempts = """
        UPDATE llm_attempts a
           SET status = u.c, outcome = u.d, http_status = u.e, upstream_id = u.f, input_tokens = u.g, cached_input_tokens = u.h,
               output_tokens = u.i, reasoning_tokens = u.j, provider_cost_usd = u.k, latency_ms = u.l, ended_at = u.m,
               cache_write_tokens = u.n, usage_source = u.o, cost_low_usd = u.p, cost_high_usd = u.q, gateway_cost_usd = u.r
          FROM (SELECT unnest($1) AS a, unnest($2) AS b, unnest($3) AS c, unnest($4) AS d, unnest($5) AS e, unnest($6) AS f,
                       unnest($7) AS g, unnest($8) AS h, unnest($9) AS i, unnest($10) AS j, unnest($11) AS k,
                       unnest($12) AS l, unnest($13) AS m, unnest($14) AS n, unnest($15) AS o, unnest($16) AS p,
                       unnest($17) AS q, unnest($18) AS r) u
         WHERE a.team_id = u.a AND a.attempt_id = u.b AND a.ended_at IS NULL
        """;

    public const string InsertCalls = """
        INSERT INTO llm_calls (team_id, call_id, job_id, model_group, purpose, status, resolved_model, attempts, input_tokens,
                               cached_input_tokens, output_tokens, reasoning_tokens, provider_cost_usd, client_cost_usd, latency_ms,
                               error_code, started_at, ended_at, cache_write_tokens, usage_source, cost_low_usd, cost_high_usd,
                               gateway_cost_usd)
        SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), unnest($9),
               unnest($10), unnest($11), unnest($12), unnest($13), unnest($14), unnest($15), unnest($16), unnest($17),
               unnest($18), unnest($19), unnest($20), unnest($21), unnest($22), unnest($23)
        """;

    public const string InsertEvents = """
        INSERT INTO outbox (message_id, team_id, topic, dedupe_key, payload, occurred_at)
        SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5)::jsonb, unnest($6)
        """;
}
