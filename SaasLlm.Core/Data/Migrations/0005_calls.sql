-- Calls, their upstream attempts, and the outbox: range-partitioned by their UUIDv7 id, a month each.

-- One row a call, inserted once, at its end.
CREATE TABLE llm_calls (
  team_id              text           NOT NULL,
  call_id              uuid           NOT NULL,
  job_id               uuid           NOT NULL,
  model_group          text           NOT NULL,
  purpose              text,
  status               text           NOT NULL,
  -- The model that answered; null when none did. Never shown to a tenant.
  resolved_model       text,
  attempts             integer        NOT NULL,
  input_tokens         bigint         NOT NULL DEFAULT 0,
  cached_input_tokens  bigint         NOT NULL DEFAULT 0,
  output_tokens        bigint         NOT NULL DEFAULT 0,
  reasoning_tokens     bigint         NOT NULL DEFAULT 0,
  -- Null: unknown, not zero.
  provider_cost_usd    numeric(18,10),
  client_cost_usd      numeric(18,10),
  latency_ms           integer        NOT NULL,
  error_code           text,
  started_at           timestamptz    NOT NULL,
  ended_at             timestamptz    NOT NULL,
  CONSTRAINT ck_llm_calls_status CHECK (status IN ('succeeded', 'failed')),
  CONSTRAINT ck_llm_calls_success_has_model CHECK ((status = 'succeeded') <= (resolved_model IS NOT NULL)),
  CONSTRAINT ck_llm_calls_numbers CHECK (attempts >= 0 AND input_tokens >= 0 AND cached_input_tokens >= 0 AND output_tokens >= 0
                                         AND reasoning_tokens >= 0 AND latency_ms >= 0
                                         AND provider_cost_usd >= 0 AND client_cost_usd >= 0)
) PARTITION BY RANGE (call_id);
CREATE INDEX ix_llm_calls_job ON llm_calls (team_id, job_id);
-- Last, for the reason given at jobs.
ALTER TABLE llm_calls ADD CONSTRAINT pk_llm_calls PRIMARY KEY (team_id, call_id);

-- One row an upstream try, inserted before it is sent and closed once.
CREATE TABLE llm_attempts (
  team_id              text           NOT NULL,
  attempt_id           uuid           NOT NULL,
  call_id              uuid           NOT NULL,
  job_id               uuid           NOT NULL,
  attempt_number       integer        NOT NULL,
  model_name           text           NOT NULL,
  status               text           NOT NULL DEFAULT 'running',
  -- Past this a running attempt is taken for abandoned.
  deadline_at          timestamptz    NOT NULL,
  -- The most that its call may use, before it is known: what the job's hold must cover while it runs.
  estimated_tokens     bigint         NOT NULL DEFAULT 0,
  estimated_cost_usd   numeric(18,10) NOT NULL DEFAULT 0,
  http_status          integer,
  -- What the answer meant, in the words of the classifier.
  outcome              text,
  upstream_id          text,
  input_tokens         bigint         NOT NULL DEFAULT 0,
  cached_input_tokens  bigint         NOT NULL DEFAULT 0,
  output_tokens        bigint         NOT NULL DEFAULT 0,
  reasoning_tokens     bigint         NOT NULL DEFAULT 0,
  -- Null: unknown, not zero.
  provider_cost_usd    numeric(18,10),
  latency_ms           integer,
  started_at           timestamptz    NOT NULL,
  ended_at             timestamptz,
  CONSTRAINT ck_llm_attempts_status CHECK (status IN ('running', 'succeeded', 'failed', 'unknown')),
  CONSTRAINT ck_llm_attempts_running_is_open CHECK ((status = 'running') = (ended_at IS NULL)),
  CONSTRAINT ck_llm_attempts_numbers CHECK (attempt_number >= 1 AND input_tokens >= 0 AND cached_input_tokens >= 0
                                            AND output_tokens >= 0 AND reasoning_tokens >= 0 AND provider_cost_usd >= 0
                                            AND estimated_tokens >= 0 AND estimated_cost_usd >= 0)
) PARTITION BY RANGE (attempt_id);
CREATE INDEX ix_llm_attempts_job ON llm_attempts (team_id, job_id);
CREATE INDEX ix_llm_attempts_running ON llm_attempts (team_id, job_id) WHERE status = 'running';
CREATE INDEX ix_llm_attempts_abandoned ON llm_attempts (deadline_at) WHERE status = 'running';
ALTER TABLE llm_attempts ADD CONSTRAINT pk_llm_attempts PRIMARY KEY (team_id, attempt_id);

-- Facts that go out as events; written in the transaction that makes them true.
CREATE TABLE outbox (
  message_id  uuid        NOT NULL,
  team_id     text        NOT NULL,
  topic       text        NOT NULL,
  -- Lets a receiver recognise a second delivery of the same fact.
  dedupe_key  text        NOT NULL,
  payload     jsonb       NOT NULL,
  occurred_at timestamptz NOT NULL,
  relayed_at  timestamptz,
  CONSTRAINT pk_outbox PRIMARY KEY (message_id)
) PARTITION BY RANGE (message_id);
CREATE INDEX ix_outbox_waiting ON outbox (message_id) WHERE relayed_at IS NULL;

-- The first 48 bits of a UUIDv7 are milliseconds since 1970.
CREATE FUNCTION uuid7_floor(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Makes the partitions from this month to `months` ahead that are not there yet; JobRunner calls it daily, `migrate` once.
CREATE FUNCTION ensure_partitions(months integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  first_day timestamptz;
BEGIN
  FOR offset_months IN 0..months LOOP
    first_day := (date_trunc('month', now() AT TIME ZONE 'utc') + make_interval(months => offset_months)) AT TIME ZONE 'utc';
    FOREACH parent IN ARRAY ARRAY['llm_calls', 'llm_attempts', 'outbox'] LOOP
      EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
        parent || '_' || to_char(first_day AT TIME ZONE 'utc', 'YYYY_MM'), parent,
        uuid7_floor(first_day), uuid7_floor((first_day AT TIME ZONE 'utc' + interval '1 month') AT TIME ZONE 'utc'));
    END LOOP;
  END LOOP;
END $$;

-- What no month holds (a clock far off) is kept, not refused.
CREATE TABLE llm_calls_default PARTITION OF llm_calls DEFAULT;
CREATE TABLE llm_attempts_default PARTITION OF llm_attempts DEFAULT;
CREATE TABLE outbox_default PARTITION OF outbox DEFAULT;

SELECT ensure_partitions(3);
