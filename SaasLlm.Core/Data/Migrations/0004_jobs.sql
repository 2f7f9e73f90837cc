-- A job, with its hold in the same row: a job has one hold, and the two end together.

CREATE TABLE jobs (
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
  price                numeric(20,6) NOT NULL,
  markup_percent       numeric(9,4)  NOT NULL DEFAULT 0,
  max_calls            integer       NOT NULL DEFAULT 100,
  deadline_at          timestamptz   NOT NULL,
  -- The hold.
  hold_state           text          NOT NULL DEFAULT 'held',
  hold_amount          numeric(20,6) NOT NULL,
  settled_amount       numeric(20,6) NOT NULL DEFAULT 0,
  uncollected_credits  numeric(20,6) NOT NULL DEFAULT 0,
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
  CONSTRAINT fk_jobs_team FOREIGN KEY (team_id) REFERENCES teams,
  CONSTRAINT ck_jobs_status CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled', 'expired')),
  CONSTRAINT ck_jobs_hold_state CHECK (hold_state IN ('held', 'settled', 'released', 'expired')),
  CONSTRAINT ck_jobs_open_holds CHECK ((status IN ('pending', 'in_progress')) = (hold_state = 'held')),
  CONSTRAINT ck_jobs_ended_has_time CHECK ((hold_state = 'held') = (completed_at IS NULL)),
  CONSTRAINT ck_jobs_settled_within_hold CHECK (settled_amount >= 0 AND settled_amount <= hold_amount),
  CONSTRAINT ck_jobs_only_settled_holds_charge CHECK (hold_state = 'settled' OR settled_amount = 0),
  CONSTRAINT ck_jobs_applied_is_charged CHECK (credit_applied = (settled_amount > 0)),
  CONSTRAINT ck_jobs_amounts CHECK (price >= 0 AND hold_amount >= 0 AND uncollected_credits >= 0),
  CONSTRAINT ck_jobs_calls CHECK (max_calls >= 0 AND successful_calls >= 0 AND failed_calls >= 0
                                  AND successful_calls + failed_calls <= started_calls),
  CONSTRAINT ck_jobs_budget_mode CHECK (budget_mode IN ('job_based', 'consumption_usd', 'consumption_tokens'))
) WITH (fillfactor = 70);
-- An operator reads a job without naming its team.
CREATE INDEX ix_jobs_id ON jobs (job_id);
CREATE INDEX ix_jobs_external_task ON jobs (team_id, external_task_id, job_id) WHERE external_task_id IS NOT NULL;
CREATE INDEX ix_jobs_any_external_task ON jobs (external_task_id, job_id) WHERE external_task_id IS NOT NULL;
CREATE INDEX ix_jobs_open ON jobs (deadline_at) WHERE hold_state = 'held';
CREATE INDEX ix_jobs_open_by_team ON jobs (team_id, deadline_at) WHERE hold_state = 'held';
CREATE INDEX ix_jobs_created ON jobs (team_id, created_at);
CREATE INDEX ix_jobs_organization ON jobs (organization_id, created_at);
-- Last: on an empty table all indexes that start alike cost the same, and among equals the planner takes the newest.
ALTER TABLE jobs ADD CONSTRAINT pk_jobs PRIMARY KEY (team_id, job_id);
