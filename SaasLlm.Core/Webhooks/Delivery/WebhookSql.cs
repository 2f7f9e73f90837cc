namespace SaasLlm.Core.Webhooks.Delivery;

/// <summary>
/// The statements of relay and delivery. Endpoints are locked in the order of their ids, or skipped where somebody has them:
/// no two of these transactions wait for each other.
/// </summary>
internal static class WebhookSql
{
    /// <summary>For one transaction: what grew since the last ANALYZE must not tempt the planner to read whole tables.</summary>
    public const string Settings = """
        SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
               set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)
        """;

    /// <summary>
    /// Takes $1 messages from the outbox and queues each for the endpoints that want it; $2 are the topics to be asked for by name.
    /// Its row count is that of the messages. The body is written once, here, so that every try sends the same bytes.
    /// </summary>
    public const string Relay = """
        WITH batch AS MATERIALIZED (
          SELECT message_id, team_id, organization_id, topic, payload, occurred_at
            FROM outbox
           WHERE relayed_at IS NULL
           ORDER BY message_id
           LIMIT $1
             FOR UPDATE SKIP LOCKED),
        queued AS (
          INSERT INTO webhook_deliveries (endpoint_id, message_id, team_id, topic, body, occurred_at, state, due_at, ended_at)
          SELECT e.endpoint_id, b.message_id, b.team_id, b.topic,
                 '{"type":' || to_json(b.topic)::text
                   || ',"timestamp":"' || to_char(b.occurred_at AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                   || '","data":' || b.payload::text || '}',
                 b.occurred_at, CASE e.status WHEN 'disabled' THEN 'dropped' ELSE 'pending' END, clock.now,
                 CASE e.status WHEN 'disabled' THEN clock.now END
            FROM batch b
           CROSS JOIN (SELECT ledger_now() AS now) clock
            LEFT JOIN teams t ON t.team_id = b.team_id
           CROSS JOIN LATERAL (
             SELECT endpoint_id, status
               FROM webhook_endpoints
              WHERE organization_id = coalesce(t.organization_id, b.organization_id) AND (team_id IS NULL OR team_id = b.team_id)
                AND CASE events WHEN '{}' THEN b.topic <> ALL ($2) ELSE events && ARRAY[b.topic, split_part(b.topic, '.', 1) || '.*'] END
             OFFSET 0) e
              ON CONFLICT DO NOTHING
          RETURNING endpoint_id, state, due_at),
        woken AS (
          UPDATE webhook_endpoints e SET ready_at = least(e.ready_at, o.due_at)
            FROM (SELECT w.endpoint_id, q.due_at
                    FROM (SELECT endpoint_id, min(due_at) AS due_at FROM queued WHERE state = 'pending' GROUP BY endpoint_id) q
                    JOIN webhook_endpoints w USING (endpoint_id)
                   ORDER BY w.endpoint_id
                     FOR UPDATE OF w) o
           WHERE e.endpoint_id = o.endpoint_id)
        UPDATE outbox o SET relayed_at = ledger_now()
          FROM batch
         WHERE o.message_id = batch.message_id
        """;

    /// <summary>
    /// The first level of the claim: $1 endpoints with something due, in turn. The clock stands in a subquery,
    /// for a volatile function itself is no condition of an index.
    /// </summary>
    public const string LockReady = """
        SELECT endpoint_id
          FROM webhook_endpoints
         WHERE status = 'active' AND ready_at <= (SELECT ledger_now())
         ORDER BY ready_at
         LIMIT $1
           FOR UPDATE SKIP LOCKED
        """;

    /// <summary>
    /// The second: of each locked endpoint $1 its deliveries that are due longest, as many as $2 less those under way; a single one where it
    /// fails. Leased with the token $3 for $4.
    /// </summary>
    public const string Claim = """
        WITH picked AS MATERIALIZED (
          SELECT e.endpoint_id, e.url, e.secret, CASE WHEN e.previous_until > clock.now THEN e.previous_secret END AS previous, d.message_id, d.due_at,
                 clock.now
            FROM unnest($1) AS wanted(endpoint_id)
           CROSS JOIN (SELECT ledger_now() AS now) clock
            JOIN webhook_endpoints e USING (endpoint_id)
           CROSS JOIN LATERAL (
             SELECT count(*) AS running FROM webhook_deliveries
              WHERE endpoint_id = e.endpoint_id AND lease_token IS NOT NULL AND due_at > clock.now) r
           CROSS JOIN LATERAL (
             SELECT message_id, due_at FROM webhook_deliveries
              WHERE endpoint_id = e.endpoint_id AND state = 'pending' AND due_at <= clock.now
              ORDER BY due_at
              LIMIT greatest(0, CASE WHEN e.failing_since IS NULL THEN $2 ELSE 1 END - r.running)) d)
        UPDATE webhook_deliveries d
           SET lease_token = $3, due_at = p.now + $4
          FROM picked p
         WHERE d.endpoint_id = p.endpoint_id AND d.message_id = p.message_id
        RETURNING d.endpoint_id, d.message_id, d.topic, d.body, d.tries, p.url, p.secret, p.previous, extract(epoch FROM p.now - p.due_at)::float8
        """;

    /// <summary>
    /// When the locked endpoints $1 are worth a look again: at their next delivery, and not before those that wait for a turn now; where $2
    /// are under way, when the first of those is over. A statement after the lock and the claim, for it must see what was committed before the lock was had.
    /// </summary>
    public const string SetReady = """
        UPDATE webhook_endpoints e
           SET ready_at = CASE WHEN r.running >= CASE WHEN e.failing_since IS NULL THEN $2 ELSE 1 END THEN r.first_over
                               WHEN r.next_due < r.now THEN r.now
                               ELSE r.next_due END
          FROM (SELECT wanted.endpoint_id, clock.now, l.running, l.first_over, p.next_due
                  FROM unnest($1) AS wanted(endpoint_id)
                 CROSS JOIN (SELECT ledger_now() AS now) clock
                 CROSS JOIN LATERAL (
                   SELECT count(*) AS running, min(due_at) AS first_over FROM webhook_deliveries
                    WHERE endpoint_id = wanted.endpoint_id AND lease_token IS NOT NULL AND due_at > clock.now) l
                 CROSS JOIN LATERAL (
                   SELECT (SELECT due_at FROM webhook_deliveries
                            WHERE endpoint_id = wanted.endpoint_id AND state = 'pending' ORDER BY due_at LIMIT 1) AS next_due) p) r
         WHERE e.endpoint_id = r.endpoint_id
        """;

    /// <summary>The endpoints $1, before what tries found is written.</summary>
    public const string LockEndpoints = "SELECT FROM webhook_endpoints WHERE endpoint_id = ANY ($1) ORDER BY endpoint_id FOR UPDATE";

    /// <summary>
    /// Writes what tries found, each where its lease $3 still holds: endpoint $1, message $2, state $4, delay to the next try $5, http
    /// status $6, error $7, latency $8, excerpt $9, the URL $10 that it went to. Where another has taken that one's place, it is to hear of
    /// the message though the old one gave it up, and has all tries. Answers whose were written.
    /// </summary>
    public const string SaveTries = """
        WITH found AS MATERIALIZED (
          SELECT t.*, t.state = 'dead' AND e.url <> t.url AS has_moved, ledger_now() AS now
            FROM (SELECT unnest($1) AS endpoint_id, unnest($2) AS message_id, unnest($3) AS token, unnest($4) AS state, unnest($5) AS delay,
                         unnest($6) AS http_status, unnest($7) AS error, unnest($8) AS latency_ms, unnest($9) AS excerpt, unnest($10) AS url) t
            JOIN webhook_endpoints e ON e.endpoint_id = t.endpoint_id),
        saved AS (
          UPDATE webhook_deliveries d
             SET state = CASE WHEN f.has_moved THEN 'pending' ELSE f.state END, lease_token = NULL, due_at = f.now + f.delay,
                 tries = CASE WHEN f.has_moved THEN 0 ELSE d.tries + 1 END, attempts = d.attempts + 1, http_status = f.http_status, error = f.error,
                 ended_at = CASE WHEN f.state <> 'pending' AND NOT f.has_moved THEN f.now END
            FROM found f
           WHERE d.endpoint_id = f.endpoint_id AND d.message_id = f.message_id AND d.lease_token = f.token
          RETURNING d.endpoint_id, d.message_id, d.attempts, f.now, f.latency_ms, f.http_status, f.error, f.excerpt)
        INSERT INTO webhook_attempts (endpoint_id, message_id, attempt_number, started_at, latency_ms, http_status, error, response_excerpt)
        SELECT endpoint_id, message_id, attempts, now - make_interval(secs => latency_ms / 1000.0), latency_ms, http_status, error, excerpt FROM saved
        RETURNING endpoint_id, message_id
        """;

    /// <summary>
    /// What the saved tries say of their endpoints $1: to which URL $2 they went, whether one succeeded $3, whether the receiver is gone $4.
    /// What an old URL did says nothing of the one that took its place. One that has failed for $5 is switched off too; after $6 without
    /// a failure the count begins anew. Answers those that were switched off now, with what their event says.
    /// </summary>
    public const string JudgeEndpoints = """
        UPDATE webhook_endpoints e
           SET failing_since = j.failing_since,
               last_failed_at = CASE WHEN j.failing_since IS NOT NULL THEN j.now END,
               status = CASE WHEN j.reason IS NULL THEN e.status ELSE 'disabled' END,
               status_reason = coalesce(j.reason, e.status_reason),
               updated_at = CASE WHEN j.reason IS NULL THEN e.updated_at ELSE now() END
          FROM (SELECT w.endpoint_id, f.failing_since, clock.now,
                       CASE WHEN w.status = 'disabled' THEN NULL WHEN u.gone THEN 'gone' WHEN f.failing_since <= clock.now - $5 THEN 'failing' END AS reason
                  FROM (SELECT unnest($1) AS endpoint_id, unnest($2) AS url, unnest($3) AS succeeded, unnest($4) AS gone) u
                 CROSS JOIN (SELECT ledger_now() AS now) clock
                  JOIN webhook_endpoints w ON w.endpoint_id = u.endpoint_id AND w.url = u.url
                 CROSS JOIN LATERAL (
                   SELECT CASE WHEN u.succeeded THEN NULL WHEN w.last_failed_at >= clock.now - $6 THEN w.failing_since ELSE clock.now END AS failing_since) f) j
         WHERE e.endpoint_id = j.endpoint_id
        RETURNING e.endpoint_id, e.organization_id, e.team_id, e.url, j.reason, e.failing_since
        """;

    public const string RaiseDisabled = """
        INSERT INTO outbox (message_id, organization_id, team_id, topic, dedupe_key, payload, occurred_at)
        VALUES ($1, $2, $3, $4, $5, $6::jsonb, ledger_now())
        """;
}
