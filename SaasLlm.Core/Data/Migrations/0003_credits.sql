-- The account of each team and its append-only ledger.

CREATE TABLE team_credits (
  team_id            text          NOT NULL,
  allocated          numeric(20,6) NOT NULL DEFAULT 0,
  used               numeric(20,6) NOT NULL DEFAULT 0,
  held               numeric(20,6) NOT NULL DEFAULT 0,
  budget_mode        text          NOT NULL DEFAULT 'job_based',
  credits_per_job    numeric(20,6) NOT NULL DEFAULT 1,
  credits_per_dollar numeric(20,6) NOT NULL DEFAULT 10,
  tokens_per_credit  bigint        NOT NULL DEFAULT 10000,
  credit_increment   numeric(20,6) NOT NULL DEFAULT 1,
  markup_percent     numeric(9,4)  NOT NULL DEFAULT 0,
  -- The most the team may use in a calendar month (UTC); null is no limit.
  credit_limit       numeric(20,6),
  -- Net use in the month that month_start names; another month means 0.
  month_used         numeric(20,6) NOT NULL DEFAULT 0,
  month_start        date          NOT NULL DEFAULT date_trunc('month', now() AT TIME ZONE 'utc')::date,
  -- Grows by one with every change of this row: orders the pushes to Redis.
  version            bigint        NOT NULL DEFAULT 0,
  -- The sequence of the team's newest ledger entry.
  last_sequence      bigint        NOT NULL DEFAULT 0,
  created_at         timestamptz   NOT NULL DEFAULT now(),
  updated_at         timestamptz   NOT NULL DEFAULT now(),
  CONSTRAINT pk_team_credits PRIMARY KEY (team_id),
  CONSTRAINT fk_team_credits_team FOREIGN KEY (team_id) REFERENCES teams,
  CONSTRAINT ck_team_credits_allocated_not_negative CHECK (allocated >= 0),
  CONSTRAINT ck_team_credits_used_not_negative CHECK (used >= 0),
  CONSTRAINT ck_team_credits_held_not_negative CHECK (held >= 0),
  CONSTRAINT ck_team_credits_not_overdrawn CHECK (allocated - used - held >= 0),
  CONSTRAINT ck_team_credits_budget_mode CHECK (budget_mode IN ('job_based', 'consumption_usd', 'consumption_tokens')),
  CONSTRAINT ck_team_credits_rates CHECK (credits_per_job >= 0 AND credits_per_dollar > 0 AND tokens_per_credit > 0
                                          AND credit_increment > 0 AND markup_percent >= 0),
  CONSTRAINT ck_team_credits_limit CHECK (credit_limit IS NULL OR credit_limit >= 0)
) WITH (fillfactor = 70); -- room for in-page updates: a busy team's row changes with every batch

CREATE TABLE credit_transactions (
  team_id        text          NOT NULL,
  -- 1, 2, 3, … per team, without a gap.
  sequence       bigint        NOT NULL,
  transaction_id uuid          NOT NULL,
  kind           text          NOT NULL,
  -- Signed: what it adds to the remaining credits.
  amount         numeric(20,6) NOT NULL,
  credits_before numeric(20,6) NOT NULL,
  credits_after  numeric(20,6) NOT NULL,
  job_id         uuid,
  reason         text          NOT NULL DEFAULT '',
  created_at     timestamptz   NOT NULL DEFAULT now(),
  CONSTRAINT pk_credit_transactions PRIMARY KEY (team_id, sequence),
  CONSTRAINT fk_credit_transactions_account FOREIGN KEY (team_id) REFERENCES team_credits,
  CONSTRAINT ux_credit_transactions_id UNIQUE (team_id, transaction_id),
  CONSTRAINT ck_credit_transactions_kind CHECK (kind IN
    ('allocation', 'topup', 'deduction', 'refund', 'promotion', 'adjustment', 'expiry')),
  CONSTRAINT ck_credit_transactions_chain CHECK (credits_after = credits_before + amount),
  CONSTRAINT ck_credit_transactions_not_overdrawn CHECK (credits_after >= 0),
  CONSTRAINT ck_credit_transactions_sign CHECK (
    CASE kind WHEN 'deduction' THEN amount < 0 WHEN 'expiry' THEN amount < 0 WHEN 'adjustment' THEN amount <> 0 ELSE amount > 0 END),
  CONSTRAINT ck_credit_transactions_deduction_names_its_job CHECK (kind <> 'deduction' OR job_id IS NOT NULL)
);
CREATE UNIQUE INDEX ux_credit_transactions_one_deduction_per_job ON credit_transactions (team_id, job_id) WHERE kind = 'deduction';
CREATE INDEX ix_credit_transactions_job ON credit_transactions (team_id, job_id) WHERE job_id IS NOT NULL;

CREATE FUNCTION credit_transactions_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'credit_transactions is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER credit_transactions_append_only BEFORE UPDATE OR DELETE ON credit_transactions
  FOR EACH ROW EXECUTE FUNCTION credit_transactions_refuse_change();
CREATE TRIGGER credit_transactions_no_truncate BEFORE TRUNCATE ON credit_transactions
  FOR EACH STATEMENT EXECUTE FUNCTION credit_transactions_refuse_change();

-- The clock of everything that concerns money. Tests shift it: ALTER DATABASE … SET saasllm.clock_shift = '2 hours'.
CREATE FUNCTION ledger_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  SELECT clock_timestamp() + coalesce(nullif(current_setting('saasllm.clock_shift', true), ''), '0')::interval
$$;
