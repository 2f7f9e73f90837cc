-- What jobs of a type get that is not as for all. Null: as for all.
CREATE TABLE job_types (
  name             text          NOT NULL,
  description      text          NOT NULL DEFAULT '',
  -- Credits, in job_based teams.
  price            numeric(20,6),
  lifetime_seconds integer,
  max_calls        integer,
  -- Client cost, of all calls together.
  max_cost_usd     numeric(18,10),
  created_at       timestamptz   NOT NULL DEFAULT now(),
  updated_at       timestamptz   NOT NULL DEFAULT now(),
  CONSTRAINT pk_job_types PRIMARY KEY (name),
  CONSTRAINT ck_job_types_name CHECK (name ~ '^[A-Za-z0-9._-]{1,64}$'),
  CONSTRAINT ck_job_types_price CHECK (price >= 0),
  CONSTRAINT ck_job_types_lifetime CHECK (lifetime_seconds BETWEEN 1 AND 2592000),
  CONSTRAINT ck_job_types_limits CHECK (max_calls > 0 AND max_cost_usd > 0)
);

-- A job, with its hold in the same row: a job has one hold, and the two end together.

CREATE TABLE jobs (
  -- No foreign key: its check is a query a row, and whoever opens a job holds the row lock of the team's account, which has one.
  team_id              text          NOT NULL,
  job_id               uuid          NOT NULL,
  organization_id      text          NOT NULL,
  job_type             text          NOT NULL,
  user_id              text,
  external_task_id     text,
  status               text          NOT NULL DEFAULT 'pending',
  metadata             jsonb         NOT NULL DEFAULT '{}',
  -- What the job opened with; it keeps these whatever changes later.
  budget_mode          text          NOT NULL DEFAULT 'job_based',
  -- Of a job_based job; in the other modes what it used decides, and this is 0.
  price                numeric(20,6) NOT NULL,
  credits_per_dollar   numeric(20,6) NOT NULL DEFAULT 10,
  tokens_per_credit    bigint        NOT NULL DEFAULT 10000,
  credit_increment     numeric(20,6) NOT NULL DEFAULT 1,
  markup_percent       numeric(9,4)  NOT NULL DEFAULT 0,
  max_calls            integer       NOT NULL DEFAULT 100,
  -- Client cost, of all calls together; null is no limit.
  max_cost_usd         numeric(18,10),
  deadline_at          timestamptz   NOT NULL,
  -- The hold.
  hold_state           text          NOT NULL DEFAULT 'held',
  hold_amount          numeric(20,6) NOT NULL,
  settled_amount       numeric(20,6) NOT NULL DEFAULT 0,
  -- What was due at the end and not there to be taken.
  uncollected_credits  numeric(20,6) NOT NULL DEFAULT 0,
  refunded_amount      numeric(20,6) NOT NULL DEFAULT 0,
  -- Of which lots: what the hold has set aside, and once it is settled, what was burned.
  lot_ids              uuid[]          NOT NULL DEFAULT '{}',
  lot_amounts          numeric(20,6)[] NOT NULL DEFAULT '{}',
  -- Totals of its calls, kept with each call.
  started_calls        integer       NOT NULL DEFAULT 0,
  successful_calls     integer       NOT NULL DEFAULT 0,
  failed_calls         integer       NOT NULL DEFAULT 0,
  input_tokens         bigint        NOT NULL DEFAULT 0,
  output_tokens        bigint        NOT NULL DEFAULT 0,
  provider_cost_usd    numeric(18,10) NOT NULL DEFAULT 0,
  client_cost_usd      numeric(18,10) NOT NULL DEFAULT 0,
  latency_ms_sum       bigint        NOT NULL DEFAULT 0,
  model_groups_used    text[]        NOT NULL DEFAULT '{}',
  -- The answer of its end, kept so that a repeat reads the same.
  error_message        text,
  credit_applied       boolean       NOT NULL DEFAULT false,
  credit_reason        text,
  credits_remaining    numeric(20,6),
  created_at           timestamptz   NOT NULL DEFAULT now(),
  started_at           timestamptz,
  completed_at         timestamptz,
  CONSTRAINT ck_jobs_status CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled', 'expired')),
  CONSTRAINT ck_jobs_hold_state CHECK (hold_state IN ('held', 'settled', 'released', 'expired')),
  CONSTRAINT ck_jobs_open_holds CHECK ((status IN ('pending', 'in_progress')) = (hold_state = 'held')),
  CONSTRAINT ck_jobs_ended_has_time CHECK ((hold_state = 'held') = (completed_at IS NULL)),
  CONSTRAINT ck_jobs_settled_within_hold CHECK (settled_amount >= 0 AND settled_amount <= hold_amount),
  CONSTRAINT ck_jobs_refunded_within_settled CHECK (refunded_amount >= 0 AND refunded_amount <= settled_amount),
  CONSTRAINT ck_jobs_lots CHECK (
    cardinality(lot_ids) = cardinality(lot_amounts)
    AND CASE hold_state WHEN 'held' THEN hold_amount WHEN 'settled' THEN settled_amount ELSE 0 END
      = CASE cardinality(lot_amounts) WHEN 0 THEN 0 WHEN 1 THEN lot_amounts[1] ELSE sum_of(lot_amounts) END),
  CONSTRAINT ck_jobs_only_settled_holds_charge CHECK (hold_state = 'settled' OR settled_amount = 0),
  CONSTRAINT ck_jobs_applied_is_charged CHECK (credit_applied = (settled_amount > 0)),
  CONSTRAINT ck_jobs_amounts CHECK (price >= 0 AND hold_amount >= 0 AND uncollected_credits >= 0),
  CONSTRAINT ck_jobs_calls CHECK (max_calls >= 0 AND successful_calls >= 0 AND failed_calls >= 0
                                  AND successful_calls + failed_calls <= started_calls),
  CONSTRAINT ck_jobs_budget_mode CHECK (budget_mode IN ('job_based', 'consumption_usd', 'consumption_tokens'))
) WITH (fillfactor = 70);
-- Ids begin with the time, so the primary key serves what asks for a team's newest as well.
-- An operator reads a job without naming its team.
CREATE INDEX ix_jobs_id ON jobs (job_id);
CREATE INDEX ix_jobs_external_task ON jobs (team_id, external_task_id, job_id) WHERE external_task_id IS NOT NULL;
CREATE INDEX ix_jobs_any_external_task ON jobs (external_task_id, job_id) WHERE external_task_id IS NOT NULL;
CREATE INDEX ix_jobs_open ON jobs (deadline_at) WHERE hold_state = 'held';
CREATE INDEX ix_jobs_open_by_team ON jobs (team_id, deadline_at) WHERE hold_state = 'held';
-- Last: on an empty table all indexes that start alike cost the same, and among equals the planner takes the newest.
ALTER TABLE jobs ADD CONSTRAINT pk_jobs PRIMARY KEY (team_id, job_id);
