-- Who wants to hear of events, what is to be delivered to them, and what became of each try.

CREATE TABLE webhook_endpoints (
  endpoint_id     uuid        NOT NULL,
  organization_id text        NOT NULL,
  -- Null: hears of all the organization's teams.
  team_id         text,
  url             text        NOT NULL,
  -- Names or `area.*`; empty is all but those that must be asked for by name.
  events          text[]      NOT NULL DEFAULT '{}',
  description     text        NOT NULL DEFAULT '',
  -- paused: by its owner, deliveries wait. disabled: by us, or by its receiver's 410; deliveries are dropped.
  status          text        NOT NULL DEFAULT 'active',
  status_reason   text,
  -- AES-GCM under the encryption key.
  secret          bytea       NOT NULL,
  -- The secret before the last rotation; signs as well until previous_until.
  previous_secret bytea,
  previous_until  timestamptz,
  -- The first failure of a run that no success, and no day and a half without a try, has ended; null while it works.
  failing_since   timestamptz,
  -- The last one of that run.
  last_failed_at  timestamptz,
  -- When its next delivery is due, or nothing was said since; null: nothing waits.
  ready_at        timestamptz,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_webhook_endpoints PRIMARY KEY (endpoint_id),
  CONSTRAINT fk_webhook_endpoints_organization FOREIGN KEY (organization_id) REFERENCES organizations,
  CONSTRAINT fk_webhook_endpoints_team FOREIGN KEY (team_id) REFERENCES teams,
  CONSTRAINT ck_webhook_endpoints_status CHECK (status IN ('active', 'paused', 'disabled')),
  CONSTRAINT ck_webhook_endpoints_disabled_has_reason CHECK ((status = 'disabled') = (status_reason IS NOT NULL)),
  CONSTRAINT ck_webhook_endpoints_previous_secret CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
) WITH (fillfactor = 70); -- ready_at changes with every claim
CREATE INDEX ix_webhook_endpoints_owner ON webhook_endpoints (organization_id, team_id, endpoint_id);
CREATE INDEX ix_webhook_endpoints_team ON webhook_endpoints (team_id, endpoint_id);
CREATE INDEX ix_webhook_endpoints_ready ON webhook_endpoints (ready_at) WHERE status = 'active' AND ready_at IS NOT NULL;

-- One row a message and endpoint: the key itself keeps two relays from queuing one twice. Partitioned by the message's UUIDv7, a month
-- each, and without foreign keys, so that a month can be dropped; what a deleted endpoint leaves is never claimed.
CREATE TABLE webhook_deliveries (
  endpoint_id uuid        NOT NULL,
  message_id  uuid        NOT NULL,
  -- Of the event; null when it is the organization's.
  team_id     text,
  topic       text        NOT NULL,
  -- The very bytes that are signed and sent, in every try.
  body        text        NOT NULL,
  occurred_at timestamptz NOT NULL,
  state       text        NOT NULL DEFAULT 'pending',
  -- The next try; while one runs, the end of its lease: then it is due again.
  due_at      timestamptz NOT NULL,
  -- New with every claim. A try whose token is gone may not write what it found.
  lease_token uuid,
  -- Tries since the delivery began or was replayed.
  tries       integer     NOT NULL DEFAULT 0,
  -- All tries there were, each with a row in webhook_attempts.
  attempts    integer     NOT NULL DEFAULT 0,
  http_status integer,
  error       text,
  ended_at    timestamptz,
  CONSTRAINT ck_webhook_deliveries_state CHECK (state IN ('pending', 'delivered', 'dead', 'dropped')),
  CONSTRAINT ck_webhook_deliveries_ended CHECK ((state = 'pending') = (ended_at IS NULL)),
  CONSTRAINT ck_webhook_deliveries_lease CHECK (lease_token IS NULL OR state = 'pending'),
  CONSTRAINT ck_webhook_deliveries_tries CHECK (tries >= 0 AND attempts >= tries)
) PARTITION BY RANGE (message_id);
CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at) WHERE state = 'pending';
CREATE INDEX ix_webhook_deliveries_leased ON webhook_deliveries (endpoint_id, due_at) WHERE lease_token IS NOT NULL;
CREATE INDEX ix_webhook_deliveries_failed ON webhook_deliveries (endpoint_id, message_id) WHERE state IN ('dead', 'dropped');
-- Last, for the reason given at jobs.
ALTER TABLE webhook_deliveries ADD CONSTRAINT pk_webhook_deliveries PRIMARY KEY (endpoint_id, message_id);

CREATE TABLE webhook_attempts (
  endpoint_id      uuid        NOT NULL,
  message_id       uuid        NOT NULL,
  attempt_number   integer     NOT NULL,
  started_at       timestamptz NOT NULL,
  latency_ms       integer     NOT NULL,
  -- Null: there was no answer, and error says why.
  http_status      integer,
  error            text,
  -- The beginning of the answer's body.
  response_excerpt text,
  CONSTRAINT pk_webhook_attempts PRIMARY KEY (endpoint_id, message_id, attempt_number),
  CONSTRAINT ck_webhook_attempts_numbers CHECK (attempt_number >= 1 AND latency_ms >= 0)
) PARTITION BY RANGE (message_id);

CREATE TABLE webhook_deliveries_default PARTITION OF webhook_deliveries DEFAULT;
CREATE TABLE webhook_attempts_default PARTITION OF webhook_attempts DEFAULT;

-- An event is a team's, or its organization's.
ALTER TABLE outbox
  ALTER COLUMN team_id DROP NOT NULL,
  ADD COLUMN organization_id text,
  ADD CONSTRAINT ck_outbox_owner CHECK (num_nonnulls(team_id, organization_id) > 0);

-- job.created and job.started are a row more for every job: only where an endpoint asks for them.
ALTER TABLE team_credits ADD COLUMN raises_job_events boolean NOT NULL DEFAULT false;

-- As before, for every table that is partitioned by a UUIDv7: the catalogue knows them.
CREATE OR REPLACE FUNCTION ensure_partitions(months integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  first_day timestamptz;
BEGIN
  FOR offset_months IN 0..months LOOP
    first_day := (date_trunc('month', now() AT TIME ZONE 'utc') + make_interval(months => offset_months)) AT TIME ZONE 'utc';
    FOR parent IN
      SELECT c.relname
        FROM pg_partitioned_table p
        JOIN pg_class c ON c.oid = p.partrelid
        JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
       WHERE c.relnamespace = 'public'::regnamespace AND p.partstrat = 'r' AND a.atttypid = 'uuid'::regtype
       ORDER BY c.relname
    LOOP
      EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
        parent || '_' || to_char(first_day AT TIME ZONE 'utc', 'YYYY_MM'), parent,
        uuid7_floor(first_day), uuid7_floor((first_day AT TIME ZONE 'utc' + interval '1 month') AT TIME ZONE 'utc'));
    END LOOP;
  END LOOP;
END $$;

SELECT ensure_partitions(3);
