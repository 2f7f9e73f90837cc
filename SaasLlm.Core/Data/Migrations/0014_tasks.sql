-- What runs in the background, when it ran last and how it went.
CREATE TABLE scheduled_tasks (
  name             text        NOT NULL,
  -- True: one runner does it each tick. False: every runner does it, and its runs are only told here.
  is_schedule      boolean     NOT NULL,
  -- From the end of a run to the next tick.
  run_every        interval    NOT NULL,
  next_run_at      timestamptz NOT NULL DEFAULT now(),
  -- An operator asked for a run: a schedule's that has not ended, another pass' that no runner has taken yet. The newest request stays known, for its repeat asks for nothing.
  requested_at     timestamptz,
  request_id       uuid,
  lease_token      uuid,
  lease_until      timestamptz,
  last_started_at  timestamptz,
  last_ended_at    timestamptz,
  last_duration_ms bigint,
  last_outcome     text,
  last_error       text,
  runs             bigint      NOT NULL DEFAULT 0,
  failures         bigint      NOT NULL DEFAULT 0,
  failures_in_row  integer     NOT NULL DEFAULT 0,
  CONSTRAINT pk_scheduled_tasks PRIMARY KEY (name),
  CONSTRAINT ck_scheduled_tasks_name CHECK (name ~ '^[a-z0-9-]{1,64}$'),
  CONSTRAINT ck_scheduled_tasks_lease CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
  CONSTRAINT ck_scheduled_tasks_outcome CHECK (last_outcome IN ('running', 'succeeded', 'failed', 'interrupted'))
) WITH (fillfactor = 70);
