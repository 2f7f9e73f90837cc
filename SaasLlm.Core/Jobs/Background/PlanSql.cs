namespace SaasLlm.Core.Jobs.Background;

/// <summary>
/// The statements that make, start and end plans. In each, what is said of jobs is under the lock of their teams' rows, taken in the order of
/// their ids: whoever has it changes all that is the team's, and nobody waits for two.
/// </summary>
internal static class PlanSql
{
    /// <summary>$1 team_id[].</summary>
    public const string LockTeams = """
        SELECT 1 FROM (SELECT * FROM unnest($1::text[]) AS wanted(team_id) ORDER BY team_id) wanted
         CROSS JOIN LATERAL (SELECT 1 FROM background_teams WHERE team_id = wanted.team_id FOR UPDATE) t
        """;

    /// <summary>$1 team_id.</summary>
    public const string EnsureTeam = "INSERT INTO background_teams (team_id) VALUES ($1) ON CONFLICT DO NOTHING";

    /// <summary>
    /// A plan that nobody runs yet; no row where it is there already. $1 team_id, $2 job_id, $3 total, $4 max_parallelism, $5 priority,
    /// $6 on_step_failure, $7 run_at or null, $8 template, $9 how long the ledger has to open the job, $10 retry_of, $11 steps that have their answer already, $12 key_id or null.
    /// </summary>
    public const string InsertJob = """
        INSERT INTO background_jobs (team_id, job_id, total, max_parallelism, priority, on_step_failure, run_at, template, due_at, created_at, retry_of, succeeded, carried, last_sequence, key_id)
        SELECT $1, $2, $3, $4, $5, $6, greatest($7, clock.now), $8, clock.now + $9, clock.now, $10, $11, $11, $11, $12
          FROM (SELECT ledger_now() AS now) clock
        ON CONFLICT DO NOTHING
        """;

    /// <summary>
    /// $1 team_id, $2 job_id, $3 ordinal[], $4 name[], $5 model_group[], $6 purpose[], $7 request[], $8 depends_on[], $9 dependents[],
    /// $10 open_dependencies[], $11 max_tries[], $12 output[] of those that have their answer, $13 priority.
    /// </summary>
    public const string InsertSteps = """
        INSERT INTO background_steps (team_id, job_id, ordinal, name, model_group, purpose, request, depends_on, dependents, open_dependencies, max_tries,
                                      status, output, ended_sequence, ended_at, priority)
        SELECT $1, $2, s.ordinal, s.name, s.model_group, s.purpose, s.request, s.depends_on::integer[], s.dependents::integer[], s.open_dependencies, s.max_tries,
               CASE WHEN s.output IS NULL THEN 'waiting' ELSE 'succeeded' END, s.output,
               CASE WHEN s.output IS NOT NULL THEN count(s.output) OVER (ORDER BY s.ordinal) END, CASE WHEN s.output IS NOT NULL THEN ledger_now() END, $13
          FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            AS s(ordinal, name, model_group, purpose, request, depends_on, dependents, open_dependencies, max_tries, output)
        """;

    /// <summary>When the plan runs, by Postgres' clock, which is its own too. $1 team_id, $2 job_id.</summary>
    public const string ReadTimes = "SELECT run_at, ledger_now(), state, total FROM background_jobs WHERE team_id = $1 AND job_id = $2";

    /// <summary>A plan whose job was not opened, if it was not opened meanwhile. $1 team_id, $2 job_id.</summary>
    public const string Forget = """
        WITH gone AS (DELETE FROM background_jobs WHERE team_id = $1 AND job_id = $2 AND state = 'planned'
                        AND NOT EXISTS (SELECT 1 FROM jobs WHERE team_id = $1 AND job_id = $2) RETURNING team_id, job_id)
        DELETE FROM background_steps s USING gone WHERE s.team_id = gone.team_id AND s.job_id = gone.job_id
        """;

    /// <summary>
    /// Starts the plan of an open job, or sets it for its time. It is looked at again when the sweep, which comes each second, has ended the job at its
    /// deadline. $1 team_id, $2 job_id.
    /// </summary>
    public const string Activate = """
        UPDATE background_jobs b
           SET state = CASE WHEN b.run_at <= clock.now THEN 'active' ELSE 'scheduled' END,
               due_at = CASE WHEN b.run_at <= clock.now THEN j.deadline_at + interval '2 seconds' ELSE b.run_at END,
               started_at = CASE WHEN b.run_at <= clock.now THEN clock.now END
          FROM jobs j, (SELECT ledger_now() AS now) clock
         WHERE b.team_id = $1 AND b.job_id = $2 AND b.state IN ('planned', 'scheduled')
           AND j.team_id = $1 AND j.job_id = $2 AND j.hold_state = 'held'
        """;

    /// <summary>$1 team_id, $2 job_id.</summary>
    public const string Find = "SELECT 1 FROM background_jobs WHERE team_id = $1 AND job_id = $2";

    /// <summary>Makes waiting steps ready that wait for nothing, as far as their jobs' parallelism goes. $1 team_id[], $2 job_id[].</summary>
    public const string Promote = """
        WITH picked AS (
          SELECT s.team_id, s.job_id, s.ordinal
            FROM unnest($1::text[], $2::uuid[]) AS wanted(team_id, job_id)
           CROSS JOIN LATERAL (
              SELECT b.team_id, b.job_id, b.max_parallelism - b.in_flight AS places FROM background_jobs b
               WHERE b.team_id = wanted.team_id AND b.job_id = wanted.job_id AND b.state = 'active' AND b.in_flight < b.max_parallelism) room
           CROSS JOIN LATERAL (
              SELECT w.team_id, w.job_id, w.ordinal FROM background_steps w
               WHERE w.team_id = room.team_id AND w.job_id = room.job_id AND w.status = 'waiting' AND w.open_dependencies = 0
               ORDER BY w.ordinal LIMIT room.places) s),
        promoted AS (
          UPDATE background_steps s SET status = 'ready', ready_at = ledger_now() FROM picked p
           WHERE s.team_id = p.team_id AND s.job_id = p.job_id AND s.ordinal = p.ordinal
          RETURNING s.team_id, s.job_id),
        counted AS (
          UPDATE background_jobs b SET in_flight = b.in_flight + c.steps
            FROM (SELECT team_id, job_id, count(*) AS steps FROM promoted GROUP BY team_id, job_id) c
           WHERE b.team_id = c.team_id AND b.job_id = c.job_id)
        UPDATE background_teams t SET ready = t.ready + c.steps
          FROM (SELECT team_id, count(*) AS steps FROM promoted GROUP BY team_id) c
         WHERE t.team_id = c.team_id
        """;

    /// <summary>Ends plans whose jobs have ended: what has not run is cancelled. $1 team_id[], $2 job_id[].</summary>
    public const string End = """
        WITH ending AS (
          SELECT b.team_id, b.job_id, b.last_sequence
            FROM unnest($1::text[], $2::uuid[]) AS wanted(team_id, job_id)
            JOIN background_jobs b ON b.team_id = wanted.team_id AND b.job_id = wanted.job_id AND b.state <> 'ended'),
        left_over AS (
          SELECT s.team_id, s.job_id, s.ordinal, s.status,
                 e.last_sequence + row_number() OVER (PARTITION BY s.team_id, s.job_id ORDER BY s.ordinal) AS sequence
            FROM ending e
            JOIN background_steps s ON s.team_id = e.team_id AND s.job_id = e.job_id AND s.status IN ('waiting', 'scheduled', 'ready', 'running')),
        cancelled AS (
          UPDATE background_steps s
             SET status = 'cancelled', ended_sequence = l.sequence, ended_at = ledger_now(), lease_token = NULL, lease_until = NULL, run_after = NULL
            FROM left_over l
           WHERE s.team_id = l.team_id AND s.job_id = l.job_id AND s.ordinal = l.ordinal),
        counted AS (
          SELECT team_id, job_id, count(*) AS steps, count(*) FILTER (WHERE status = 'ready') AS ready, count(*) FILTER (WHERE status = 'running') AS running
            FROM left_over GROUP BY team_id, job_id),
        ended AS (
          UPDATE background_jobs b
             SET state = 'ended', ended_at = ledger_now(), in_flight = 0, cancelled = b.cancelled + coalesce(c.steps, 0),
                 -- One more, for the job's own end.
                 last_sequence = b.last_sequence + coalesce(c.steps, 0) + 1
            FROM ending e LEFT JOIN counted c ON c.team_id = e.team_id AND c.job_id = e.job_id
           WHERE b.team_id = e.team_id AND b.job_id = e.job_id)
        UPDATE background_teams t SET ready = t.ready - c.ready, running = t.running - c.running
          FROM (SELECT team_id, sum(ready) AS ready, sum(running) AS running FROM counted GROUP BY team_id) c
         WHERE t.team_id = c.team_id
        """;
}
