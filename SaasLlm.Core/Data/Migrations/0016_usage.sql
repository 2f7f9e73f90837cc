-- What closed hours, days and months used: sums of calls by when they ended, of jobs by when they ended, and of the ledger's deductions
-- and refunds.
CREATE TABLE usage_rollups (
  team_id             text          NOT NULL,
  grain               text          NOT NULL,
  -- Its beginning, UTC.
  bucket              timestamptz   NOT NULL,
  -- True: by end user, and by no model. False: by model, and by no user. Each is the whole: they are never added together.
  per_user            boolean       NOT NULL,
  -- Empty in the rows of jobs and credits: a job may use several groups.
  model_group         text          NOT NULL,
  -- Empty where none answered.
  model               text          NOT NULL,
  job_type            text          NOT NULL,
  -- Empty where there is none.
  user_id             text          NOT NULL,
  jobs_completed      bigint        NOT NULL,
  jobs_failed         bigint        NOT NULL,
  jobs_cancelled      bigint        NOT NULL,
  jobs_expired        bigint        NOT NULL,
  calls_succeeded     bigint        NOT NULL,
  calls_failed        bigint        NOT NULL,
  -- Of all calls, those whose provider cost is not known.
  calls_unknown_cost  bigint        NOT NULL,
  input_tokens        bigint        NOT NULL,
  cached_input_tokens bigint        NOT NULL,
  output_tokens       bigint        NOT NULL,
  reasoning_tokens    bigint        NOT NULL,
  latency_ms_sum      bigint        NOT NULL,
  client_cost_usd     numeric(28,10) NOT NULL,
  provider_cost_usd   numeric(28,10) NOT NULL,
  credits_charged     numeric(28,6) NOT NULL,
  credits_refunded    numeric(28,6) NOT NULL,
  -- Of the credits charged, less those refunded: those of lots that nobody knows the price of.
  credits_unpriced    numeric(28,6) NOT NULL,
  -- What the customer had paid for the credits charged, less those refunded.
  revenue_usd         numeric(28,10) NOT NULL,
  CONSTRAINT pk_usage_rollups PRIMARY KEY (team_id, grain, per_user, bucket, model_group, model, job_type, user_id),
  CONSTRAINT ck_usage_rollups_grain CHECK (grain IN ('hour', 'day', 'month'))
);
CREATE INDEX ix_usage_rollups_bucket ON usage_rollups (grain, bucket);

-- Hours before this one are rolled up; those from it on are read from the tables. Null: none is yet.
CREATE TABLE usage_watermark (
  only_row     boolean     NOT NULL DEFAULT true,
  rolled_until timestamptz,
  -- Calls before it are dropped: what they used, only the roll-ups tell. Null: none is.
  kept_from    timestamptz,
  CONSTRAINT pk_usage_watermark PRIMARY KEY (only_row),
  CONSTRAINT ck_usage_watermark_only_row CHECK (only_row)
);
INSERT INTO usage_watermark DEFAULT VALUES;

-- Rows lie in these tables about in the order of these times: a few numbers a stretch of pages find an hour's.
CREATE INDEX ix_jobs_completed ON jobs USING brin (completed_at) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX ix_llm_calls_ended ON llm_calls USING brin (ended_at) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX ix_credit_transactions_created ON credit_transactions USING brin (created_at) WITH (pages_per_range = 16, autosummarize = on);
