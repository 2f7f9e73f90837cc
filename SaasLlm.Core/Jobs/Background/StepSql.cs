namespace SaasLlm.Core.Jobs.Background;

/// <summary>
/// The statements that take steps, save how they ended, and let others follow. All but <see cref="Claim"/> and <see cref="Overdue"/> are sent
/// after <see cref="PlanSql.LockTeams"/>, in its transaction.
/// </summary>
internal static class StepSql
{
    /// <summary>
    /// One claim at a time, on all runners, until its transaction ends: the next one counts what this one took. A statement of its own, for
    /// a statement sees what was there when it began, and not when its lock was granted.
    /// </summary>
    public const string OneClaimAtATime = "SELECT pg_advisory_xact_lock(hashtext('saasllm.steps'), 13)";

    /// <summary>
    /// Takes ready steps: of the teams that were served least recently, one of each before a second of any, each team's by priority.
    /// Calls that run on although their steps have ended or were taken back keep their team's places in this runner: else one team that submits and
    /// cancels could take them all. $1 running steps of all teams at most, or 0, $2 a team's running steps at most, $3 steps, $4 lease, $5 token,
    /// $6 team_id[] and $7 how many calls of it run here.
    /// </summary>
    public const string Claim = """
        WITH room AS MATERIALIZED (
          SELECT CASE WHEN $1 = 0 THEN $3
                      ELSE greatest(0, least($3, $1 - (SELECT coalesce(sum(running), 0) FROM background_teams WHERE running > 0))) END AS places),
        chosen AS (
          SELECT t.team_id, t.last_claimed_at, least($2 - greatest(t.running, here.calls), $3) AS places
            FROM background_teams t
           CROSS JOIN LATERAL (SELECT coalesce(max(h.calls), 0) AS calls FROM unnest($6::text[], $7::integer[]) AS h(team_id, calls) WHERE h.team_id = t.team_id) here
           WHERE t.ready > 0 AND t.running < $2 AND here.calls < $2
           ORDER BY t.last_claimed_at LIMIT (SELECT places FROM room) FOR UPDATE OF t SKIP LOCKED),
        picked AS (
          SELECT s.team_id, s.job_id, s.ordinal
            FROM chosen c
           CROSS JOIN LATERAL (
              SELECT r.team_id, r.job_id, r.ordinal, row_number() OVER () AS turn
                FROM (SELECT team_id, job_id, ordinal FROM background_steps
                       WHERE team_id = c.team_id AND status = 'ready' ORDER BY priority, job_id, ordinal LIMIT c.places) r) s
           ORDER BY s.turn, c.last_claimed_at LIMIT (SELECT places FROM room)),
        claimed AS (
          UPDATE background_steps s
             SET status = 'running', lease_token = $5, lease_until = ledger_now() + $4, claims = s.claims + 1, started_at = coalesce(s.started_at, ledger_now())
            FROM picked p
           WHERE s.team_id = p.team_id AND s.job_id = p.job_id AND s.ordinal = p.ordinal AND s.status = 'ready'
          RETURNING s.team_id, s.job_id, s.ordinal, s.model_group, s.purpose, s.tries, s.max_tries, ledger_now() - s.ready_at AS waited),
        taken AS (
          UPDATE background_teams t SET ready = t.ready - c.steps, running = t.running + c.steps, last_claimed_at = ledger_now()
            FROM (SELECT team_id, count(*) AS steps FROM claimed GROUP BY team_id) c
           WHERE t.team_id = c.team_id)
        SELECT team_id, job_id, ordinal, model_group, purpose, tries, max_tries, waited FROM claimed
        """;

    /// <summary>What claimed steps are to send, by their place in the arrays, from 1: $1 team_id[], $2 job_id[], $3 ordinal[].</summary>
    public const string Requests = """
        SELECT g.number, s.request
          FROM unnest($1::text[], $2::uuid[], $3::integer[]) WITH ORDINALITY AS g(team_id, job_id, ordinal, number)
         CROSS JOIN LATERAL (SELECT request FROM background_steps WHERE team_id = g.team_id AND job_id = g.job_id AND ordinal = g.ordinal LIMIT 1) s
        """;

    /// <summary>What the steps of a batch share, of those among the jobs that are one: $1 team_id[], $2 job_id[].</summary>
    public const string Templates = """
        SELECT b.team_id, b.job_id, b.template
          FROM unnest($1::text[], $2::uuid[]) AS g(team_id, job_id)
         CROSS JOIN LATERAL (
           SELECT team_id, job_id, template FROM background_jobs
            WHERE team_id = g.team_id AND job_id = g.job_id AND template IS NOT NULL LIMIT 1) b
        """;

    /// <summary>
    /// The keys that jobs were submitted with, as they are now, or those that replaced them; none of a key that was revoked or has expired.
    /// $1 team_id[], $2 job_id[].
    /// </summary>
    public const string Callers = """
        WITH RECURSIVE keys AS (
          SELECT b.team_id, b.job_id, b.key_id
            FROM unnest($1::text[], $2::uuid[]) AS g(team_id, job_id)
           CROSS JOIN LATERAL (
             SELECT team_id, job_id, key_id FROM background_jobs
              WHERE team_id = g.team_id AND job_id = g.job_id AND key_id IS NOT NULL LIMIT 1) b
          UNION ALL
          SELECT o.team_id, o.job_id, n.replaced_by
            FROM keys o
           CROSS JOIN LATERAL (
             SELECT replaced_by FROM team_keys WHERE team_id = o.team_id AND key_id = o.key_id AND replaced_by IS NOT NULL LIMIT 1) n)
        SELECT o.team_id, o.job_id, t.organization_id, k.key_id, t.status = 'suspended',
               t.requests_per_minute, t.tokens_per_minute, t.parallel_calls, k.requests_per_minute, k.tokens_per_minute, k.parallel_calls
          FROM keys o
         CROSS JOIN LATERAL (
           SELECT * FROM team_keys
            WHERE team_id = o.team_id AND key_id = o.key_id AND replaced_by IS NULL AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
            LIMIT 1) k
         CROSS JOIN LATERAL (SELECT * FROM teams WHERE team_id = o.team_id LIMIT 1) t
        """;

    /// <summary>
    /// Ends steps whose lease still stands, and lets go of those that waited for them. The limits of one keep the planner from joining a step
    /// by its job alone, which reads the whole job for every step of it. The rows are the steps that have ended so, now or by the
    /// same call before. $1 team_id[], $2 job_id[], $3 ordinal[], $4 token[], $5 status[], $6 output[], $7 call_end[], $8 call_id[], $9 tokens[],
    /// $10 latency_ms[], $11 error_code[], $12 error_message[].
    /// </summary>
    public const string End = """
        WITH given AS (
          SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) WITH ORDINALITY
              AS g(team_id, job_id, ordinal, token, status, output, call_end, call_id, tokens, latency_ms, error_code, error_message, number)),
        valid AS (
          SELECT g.*, s.last_sequence + row_number() OVER (PARTITION BY g.team_id, g.job_id ORDER BY g.number) AS sequence
            FROM given g
           CROSS JOIN LATERAL (
              SELECT 1 FROM background_steps r
               WHERE r.team_id = g.team_id AND r.job_id = g.job_id AND r.ordinal = g.ordinal AND r.lease_token = g.token LIMIT 1) held
           CROSS JOIN LATERAL (
              SELECT b.last_sequence FROM background_jobs b WHERE b.team_id = g.team_id AND b.job_id = g.job_id LIMIT 1) s),
        saved AS (
          UPDATE background_steps s
             SET status = v.status, output = v.output, call_end = v.call_end, call_id = v.call_id, tokens = v.tokens, latency_ms = v.latency_ms,
                 error_code = v.error_code, error_message = v.error_message, tries = s.tries + 1, claims = 0, lease_token = NULL, lease_until = NULL,
                 ended_sequence = v.sequence, ended_at = ledger_now()
            FROM valid v
           WHERE s.team_id = v.team_id AND s.job_id = v.job_id AND s.ordinal = v.ordinal
          RETURNING s.team_id, s.job_id, s.ordinal, s.status, s.dependents, s.error_code, s.error_message, s.ended_sequence),
        freed AS (
          UPDATE background_steps d SET open_dependencies = d.open_dependencies - c.steps
            FROM (SELECT s.team_id, s.job_id, dependent, count(*) AS steps FROM saved s, unnest(s.dependents) AS dependent
                   WHERE s.status = 'succeeded' GROUP BY s.team_id, s.job_id, dependent) c
           WHERE d.team_id = c.team_id AND d.job_id = c.job_id AND d.ordinal = c.dependent AND d.status = 'waiting'),
        counted AS (
          UPDATE background_jobs b
             SET succeeded = b.succeeded + c.succeeded, failed = b.failed + c.failed, in_flight = b.in_flight - c.succeeded - c.failed,
                 last_sequence = c.sequence,
                 failure_code = CASE WHEN b.failed = 0 THEN c.codes[1] ELSE b.failure_code END,
                 failure_message = CASE WHEN b.failed = 0 THEN c.messages[1] ELSE b.failure_message END
            FROM (SELECT team_id, job_id, max(ended_sequence) AS sequence,
                         count(*) FILTER (WHERE status = 'succeeded') AS succeeded, count(*) FILTER (WHERE status = 'failed') AS failed,
                         array_agg(error_code ORDER BY ended_sequence) FILTER (WHERE status = 'failed') AS codes,
                         array_agg(error_message ORDER BY ended_sequence) FILTER (WHERE status = 'failed') AS messages
                    FROM saved GROUP BY team_id, job_id) c
           WHERE b.team_id = c.team_id AND b.job_id = c.job_id),
        left_by AS (
          UPDATE background_teams t SET running = t.running - c.steps
            FROM (SELECT team_id, count(*) AS steps FROM saved GROUP BY team_id) c
           WHERE t.team_id = c.team_id)
        SELECT team_id, job_id, ordinal FROM saved
        UNION ALL
        SELECT g.team_id, g.job_id, g.ordinal FROM given g
         CROSS JOIN LATERAL (
            SELECT 1 FROM background_steps r
             WHERE r.team_id = g.team_id AND r.job_id = g.job_id AND r.ordinal = g.ordinal AND r.status = g.status AND r.call_id = g.call_id) r
        """;

    /// <summary>
    /// Of jobs that fail with a step: skips all that has not begun, and has the job ended. $1 team_id[], $2 job_id[].
    /// </summary>
    public const string SkipRest = """
        WITH failing AS (
          SELECT b.team_id, b.job_id, b.last_sequence
            FROM unnest($1::text[], $2::uuid[]) AS wanted(team_id, job_id)
           CROSS JOIN LATERAL (
              SELECT j.team_id, j.job_id, j.last_sequence FROM background_jobs j
               WHERE j.team_id = wanted.team_id AND j.job_id = wanted.job_id AND j.on_step_failure = 'fail' AND j.failed > 0 AND j.state = 'active') b),
        left_over AS (
          SELECT s.team_id, s.job_id, s.ordinal, s.status,
                 f.last_sequence + row_number() OVER (PARTITION BY s.team_id, s.job_id ORDER BY s.ordinal) AS sequence
            FROM failing f
            JOIN background_steps s ON s.team_id = f.team_id AND s.job_id = f.job_id AND s.status IN ('waiting', 'scheduled', 'ready')),
        skipped AS (
          UPDATE background_steps s SET status = 'skipped', ended_sequence = l.sequence, ended_at = ledger_now(), run_after = NULL
            FROM left_over l
           WHERE s.team_id = l.team_id AND s.job_id = l.job_id AND s.ordinal = l.ordinal),
        counted AS (
          SELECT team_id, job_id, count(*) AS steps, count(*) FILTER (WHERE status <> 'waiting') AS in_flight, count(*) FILTER (WHERE status = 'ready') AS ready
            FROM left_over GROUP BY team_id, job_id),
        stopped AS (
          UPDATE background_jobs b
             SET state = 'finishing', due_at = ledger_now(), skipped = b.skipped + coalesce(c.steps, 0), in_flight = b.in_flight - coalesce(c.in_flight, 0),
                 last_sequence = b.last_sequence + coalesce(c.steps, 0)
            FROM failing f LEFT JOIN counted c ON c.team_id = f.team_id AND c.job_id = f.job_id
           WHERE b.team_id = f.team_id AND b.job_id = f.job_id)
        UPDATE background_teams t SET ready = t.ready - c.ready
          FROM (SELECT team_id, sum(ready) AS ready FROM counted GROUP BY team_id) c
         WHERE t.team_id = c.team_id
        """;

    /// <summary>Of jobs that go on: skips what waits for steps that failed, and what waits for that. $1 team_id[], $2 job_id[], $3 ordinal[] of those that failed.</summary>
    public const string SkipDependents = """
        WITH RECURSIVE lost AS (
          SELECT s.team_id, s.job_id, dependent AS ordinal
            FROM unnest($1::text[], $2::uuid[], $3::integer[]) AS wanted(team_id, job_id, ordinal)
            JOIN background_jobs b ON b.team_id = wanted.team_id AND b.job_id = wanted.job_id AND b.on_step_failure = 'continue' AND b.state = 'active'
            JOIN background_steps s ON s.team_id = wanted.team_id AND s.job_id = wanted.job_id AND s.ordinal = wanted.ordinal AND s.status = 'failed'
           CROSS JOIN unnest(s.dependents) AS dependent
          UNION
          SELECT s.team_id, s.job_id, dependent
            FROM lost l
            JOIN background_steps s ON s.team_id = l.team_id AND s.job_id = l.job_id AND s.ordinal = l.ordinal
           CROSS JOIN unnest(s.dependents) AS dependent),
        left_over AS (
          SELECT s.team_id, s.job_id, s.ordinal, b.last_sequence + row_number() OVER (PARTITION BY s.team_id, s.job_id ORDER BY s.ordinal) AS sequence
            FROM lost l
            JOIN background_jobs b ON b.team_id = l.team_id AND b.job_id = l.job_id
            JOIN background_steps s ON s.team_id = l.team_id AND s.job_id = l.job_id AND s.ordinal = l.ordinal AND s.status = 'waiting'),
        skipped AS (
          UPDATE background_steps s SET status = 'skipped', ended_sequence = l.sequence, ended_at = ledger_now()
            FROM left_over l
           WHERE s.team_id = l.team_id AND s.job_id = l.job_id AND s.ordinal = l.ordinal)
        UPDATE background_jobs b SET skipped = b.skipped + c.steps, last_sequence = b.last_sequence + c.steps
          FROM (SELECT team_id, job_id, count(*) AS steps FROM left_over GROUP BY team_id, job_id) c
         WHERE b.team_id = c.team_id AND b.job_id = c.job_id
        """;

    /// <summary>Has jobs ended whose steps have all ended. $1 team_id[], $2 job_id[].</summary>
    public const string Finish = """
        UPDATE background_jobs b SET state = 'finishing', due_at = ledger_now()
          FROM unnest($1::text[], $2::uuid[]) AS wanted(team_id, job_id)
         WHERE b.team_id = wanted.team_id AND b.job_id = wanted.job_id AND b.state = 'active'
           AND b.succeeded + b.failed + b.skipped + b.cancelled = b.total
        """;

    /// <summary>An event at each full tenth, for the newest one only. $1 team_id[], $2 job_id[], $3 message_id[].</summary>
    public const string TellProgress = """
        WITH told AS (
          UPDATE background_jobs b SET told_tenths = (b.succeeded + b.failed + b.skipped + b.cancelled) * 10 / b.total
            FROM unnest($1::text[], $2::uuid[], $3::uuid[]) AS wanted(team_id, job_id, message_id)
           WHERE b.team_id = wanted.team_id AND b.job_id = wanted.job_id
             AND b.state IN ('active', 'finishing') AND (b.succeeded + b.failed + b.skipped + b.cancelled) * 10 / b.total > b.told_tenths
          RETURNING wanted.message_id, b.team_id, b.job_id, b.told_tenths, b.total, b.succeeded, b.failed, b.skipped)
        INSERT INTO outbox (message_id, team_id, topic, dedupe_key, payload, occurred_at)
        SELECT message_id, team_id, 'job.progress', 'job:' || job_id || ':progress:' || told_tenths,
               jsonb_build_object('job_id', job_id, 'team_id', team_id, 'percent', told_tenths * 10, 'total', total,
                                  'done', succeeded + failed + skipped, 'succeeded', succeeded, 'failed', failed, 'skipped', skipped),
               ledger_now()
          FROM told
        """;

    /// <summary>
    /// Puts steps back whose lease still stands, to be tried again later. $1 team_id[], $2 job_id[], $3 ordinal[], $4 token[], $5 wait[],
    /// $6 whether it was a try[], $7 error_code[], $8 error_message[].
    /// </summary>
    public const string PutBack = """
        WITH put AS (
          UPDATE background_steps s
             SET status = 'scheduled', run_after = ledger_now() + g.wait, tries = s.tries + g.counts::integer, claims = 0,
                 lease_token = NULL, lease_until = NULL, error_code = g.error_code, error_message = g.error_message
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS g(team_id, job_id, ordinal, token, wait, counts, error_code, error_message)
           WHERE s.team_id = g.team_id AND s.job_id = g.job_id AND s.ordinal = g.ordinal AND s.status = 'running' AND s.lease_token = g.token
          RETURNING s.team_id)
        UPDATE background_teams t SET running = t.running - c.steps
          FROM (SELECT team_id, count(*) AS steps FROM put GROUP BY team_id) c
         WHERE t.team_id = c.team_id
        """;

    /// <summary>Keeps leases. $1 team_id[], $2 job_id[], $3 ordinal[], $4 token[], $5 lease.</summary>
    public const string Renew = """
        UPDATE background_steps s SET lease_until = ledger_now() + $5
          FROM unnest($1::text[], $2::uuid[], $3::integer[], $4::uuid[]) AS g(team_id, job_id, ordinal, token)
         WHERE s.team_id = g.team_id AND s.job_id = g.job_id AND s.ordinal = g.ordinal AND s.status = 'running' AND s.lease_token = g.token
        """;

    /// <summary>Steps whose time has come. $1 at most.</summary>
    public const string Due = """
        SELECT team_id, job_id, ordinal FROM background_steps
         WHERE status = 'scheduled' AND run_after <= (SELECT ledger_now()) ORDER BY run_after LIMIT $1
        """;

    /// <summary>$1 team_id[], $2 job_id[], $3 ordinal[].</summary>
    public const string MakeReady = """
        WITH due AS (
          UPDATE background_steps s SET status = 'ready', ready_at = ledger_now(), run_after = NULL
            FROM unnest($1::text[], $2::uuid[], $3::integer[]) AS g(team_id, job_id, ordinal)
           WHERE s.team_id = g.team_id AND s.job_id = g.job_id AND s.ordinal = g.ordinal AND s.status = 'scheduled' AND s.run_after <= ledger_now()
          RETURNING s.team_id)
        UPDATE background_teams t SET ready = t.ready + c.steps
          FROM (SELECT team_id, count(*) AS steps FROM due GROUP BY team_id) c
         WHERE t.team_id = c.team_id
        """;

    /// <summary>Steps whose runner no longer keeps their lease. $1 at most.</summary>
    public const string Overdue = """
        SELECT team_id, job_id, ordinal, lease_token, claims FROM background_steps
         WHERE status = 'running' AND lease_until <= (SELECT ledger_now()) ORDER BY lease_until LIMIT $1
        """;

    /// <summary>$1 team_id[], $2 job_id[], $3 ordinal[], $4 token[].</summary>
    public const string TakeBack = """
        WITH freed AS (
          UPDATE background_steps s SET status = 'ready', ready_at = ledger_now(), lease_token = NULL, lease_until = NULL
            FROM unnest($1::text[], $2::uuid[], $3::integer[], $4::uuid[]) AS g(team_id, job_id, ordinal, token)
           WHERE s.team_id = g.team_id AND s.job_id = g.job_id AND s.ordinal = g.ordinal AND s.status = 'running' AND s.lease_token = g.token
             AND s.lease_until <= ledger_now()
          RETURNING s.team_id)
        UPDATE background_teams t SET running = t.running - c.steps, ready = t.ready + c.steps
          FROM (SELECT team_id, count(*) AS steps FROM freed GROUP BY team_id) c
         WHERE t.team_id = c.team_id
        """;

    /// <summary>How many steps wait for a runner, of all teams.</summary>
    public const string CountReady = "SELECT coalesce(sum(ready), 0) FROM background_teams WHERE ready > 0";

    /// <summary>What steps before it were answered. $1 team_id, $2 job_id, $3 name[].</summary>
    public const string Outputs = """
        SELECT ordinal, name, output FROM background_steps
         WHERE team_id = $1 AND job_id = $2 AND name = ANY($3) AND status = 'succeeded'
        """;
}
