-- Jobs that were given with their calls. The job itself and its money are in jobs, and only the ledger's; here is the plan of its calls.
-- Whoever changes a row of these tables for a team holds the lock of the team's row in background_teams first.

CREATE TABLE background_jobs (
  team_id           text        NOT NULL,
  job_id            uuid        NOT NULL,
  -- planned: the ledger has not opened the job. scheduled: not before run_at. active: its steps run. finishing: what is to run has run, the
  -- ledger has not ended the job. ended: nothing is left to do.
  state             text        NOT NULL DEFAULT 'planned',
  total             integer     NOT NULL,
  succeeded         integer     NOT NULL DEFAULT 0,
  -- Of those, steps that came with their answers from the job that this one repeats.
  carried           integer     NOT NULL DEFAULT 0,
  failed            integer     NOT NULL DEFAULT 0,
  skipped           integer     NOT NULL DEFAULT 0,
  cancelled         integer     NOT NULL DEFAULT 0,
  -- Its steps that are ready, scheduled or running: at most max_parallelism, so that what waits costs nothing.
  in_flight         integer     NOT NULL DEFAULT 0,
  max_parallelism   integer     NOT NULL,
  -- 0 runs first, 9 last, within the team.
  priority          smallint    NOT NULL,
  on_step_failure   text        NOT NULL,
  run_at            timestamptz NOT NULL,
  -- Of a batch, what its steps share, encrypted.
  template          bytea,
  -- The code and the sentence of the first step that failed.
  failure_code      text,
  failure_message   text,
  -- The number of the newest event: each end of a step is one, and the job's own end the last.
  last_sequence     integer     NOT NULL DEFAULT 0,
  -- Full tenths of the steps that an event told of.
  told_tenths       smallint    NOT NULL DEFAULT 0,
  -- The job whose failed part this one repeats.
  retry_of          uuid,
  -- When a pass looks at it next; taken by moving it on.
  due_at            timestamptz NOT NULL,
  created_at        timestamptz NOT NULL DEFAULT now(),
  started_at        timestamptz,
  ended_at          timestamptz,
  CONSTRAINT ck_background_jobs_state CHECK (state IN ('planned', 'scheduled', 'active', 'finishing', 'ended')),
  CONSTRAINT ck_background_jobs_counts CHECK (
    carried BETWEEN 0 AND succeeded AND failed >= 0 AND skipped >= 0 AND cancelled >= 0 AND in_flight >= 0
    AND succeeded + failed + skipped + cancelled + in_flight <= total),
  CONSTRAINT ck_background_jobs_parallelism CHECK (max_parallelism BETWEEN 1 AND 256 AND in_flight <= max_parallelism),
  CONSTRAINT ck_background_jobs_priority CHECK (priority BETWEEN 0 AND 9),
  CONSTRAINT ck_background_jobs_on_step_failure CHECK (on_step_failure IN ('fail', 'continue')),
  CONSTRAINT ck_background_jobs_ended CHECK ((state = 'ended') = (ended_at IS NOT NULL) AND (state <> 'ended' OR in_flight = 0))
) WITH (fillfactor = 70);
CREATE INDEX ix_background_jobs_due ON background_jobs (due_at) WHERE state <> 'ended';
CREATE INDEX ix_background_jobs_ended ON background_jobs (ended_at) WHERE state = 'ended';
ALTER TABLE background_jobs ADD CONSTRAINT pk_background_jobs PRIMARY KEY (team_id, job_id);
ALTER TABLE background_jobs ALTER COLUMN template SET STORAGE EXTERNAL;

CREATE TABLE background_steps (
  team_id           text        NOT NULL,
  job_id            uuid        NOT NULL,
  -- 0, 1, 2, … in the order they were given in.
  ordinal           integer     NOT NULL,
  name              text        NOT NULL,
  model_group       text        NOT NULL,
  purpose           text,
  -- The body to send, of a batch its input; encrypted.
  request           bytea       NOT NULL,
  priority          smallint    NOT NULL,
  status            text        NOT NULL DEFAULT 'waiting',
  -- Steps that must succeed before it, and those that wait for it.
  depends_on        integer[]   NOT NULL DEFAULT '{}',
  dependents        integer[]   NOT NULL DEFAULT '{}',
  open_dependencies integer     NOT NULL DEFAULT 0,
  -- Ends that count, and how many may be.
  tries             integer     NOT NULL DEFAULT 0,
  max_tries         integer     NOT NULL,
  -- Claims since the last end: many without an end are poison.
  claims            integer     NOT NULL DEFAULT 0,
  run_after         timestamptz,
  -- New with each claim: whoever has another one may not save.
  lease_token       uuid,
  lease_until       timestamptz,
  -- What the model answered, and the call's end for the ledger; encrypted.
  output            bytea,
  call_end          bytea,
  call_id           uuid,
  tokens            bigint,
  latency_ms        integer,
  error_code        text,
  error_message     text,
  -- The number of the event that its end is.
  ended_sequence    integer,
  started_at        timestamptz,
  ended_at          timestamptz,
  CONSTRAINT ck_background_steps_status CHECK (
    status IN ('waiting', 'scheduled', 'ready', 'running', 'succeeded', 'failed', 'skipped', 'cancelled')),
  CONSTRAINT ck_background_steps_running_is_leased CHECK ((status = 'running') = (lease_token IS NOT NULL) AND (lease_token IS NULL) = (lease_until IS NULL)),
  CONSTRAINT ck_background_steps_scheduled_has_time CHECK ((status = 'scheduled') = (run_after IS NOT NULL)),
  CONSTRAINT ck_background_steps_ended CHECK (
    (status IN ('succeeded', 'failed', 'skipped', 'cancelled')) = (ended_sequence IS NOT NULL) AND (ended_sequence IS NULL) = (ended_at IS NULL)),
  CONSTRAINT ck_background_steps_succeeded_has_output CHECK ((status = 'succeeded') = (output IS NOT NULL)),
  CONSTRAINT ck_background_steps_dependencies CHECK (
    open_dependencies BETWEEN 0 AND cardinality(depends_on) AND (open_dependencies = 0 OR status IN ('waiting', 'skipped', 'cancelled'))),
  CONSTRAINT ck_background_steps_counts CHECK (ordinal >= 0 AND tries >= 0 AND max_tries BETWEEN 1 AND 10 AND claims >= 0)
) WITH (fillfactor = 80);
CREATE INDEX ix_background_steps_free ON background_steps (team_id, job_id, ordinal) WHERE status = 'waiting' AND open_dependencies = 0;
CREATE INDEX ix_background_steps_ready ON background_steps (team_id, priority, job_id, ordinal) WHERE status = 'ready';
CREATE INDEX ix_background_steps_scheduled ON background_steps (run_after) WHERE status = 'scheduled';
CREATE INDEX ix_background_steps_leases ON background_steps (lease_until) WHERE status = 'running';
CREATE INDEX ix_background_steps_events ON background_steps (team_id, job_id, ended_sequence) WHERE ended_sequence IS NOT NULL;
ALTER TABLE background_steps ADD CONSTRAINT pk_background_steps PRIMARY KEY (team_id, job_id, ordinal);
-- Encrypted bytes do not compress.
ALTER TABLE background_steps ALTER COLUMN request SET STORAGE EXTERNAL, ALTER COLUMN output SET STORAGE EXTERNAL, ALTER COLUMN call_end SET STORAGE EXTERNAL;

-- Whose turn it is.
CREATE TABLE background_teams (
  team_id         text        NOT NULL,
  ready           integer     NOT NULL DEFAULT 0,
  running         integer     NOT NULL DEFAULT 0,
  last_claimed_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ck_background_teams_counts CHECK (ready >= 0 AND running >= 0)
) WITH (fillfactor = 70);
CREATE INDEX ix_background_teams_waiting ON background_teams (last_claimed_at) WHERE ready > 0;
ALTER TABLE background_teams ADD CONSTRAINT pk_background_teams PRIMARY KEY (team_id);
