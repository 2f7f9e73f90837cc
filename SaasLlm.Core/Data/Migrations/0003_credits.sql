-- The account of each team, the lots its credits came in, and its append-only ledger.

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
  -- What the month's jobs cost that were not charged, and from where on that is worth an event; null is nowhere.
  month_uncharged_usd     numeric(18,10) NOT NULL DEFAULT 0,
  uncharged_threshold_usd numeric(18,10),
  -- Levels of remaining credits whose crossing is an event.
  low_thresholds     numeric(20,6)[] NOT NULL DEFAULT '{}',
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
  CONSTRAINT ck_team_credits_limit CHECK (credit_limit IS NULL OR credit_limit >= 0),
  CONSTRAINT ck_team_credits_uncharged CHECK (month_uncharged_usd >= 0 AND uncharged_threshold_usd > 0)
) WITH (fillfactor = 70); -- room for in-page updates: a busy team's row changes with every batch

-- Credits that were granted together. Changed only under the account's row lock.
CREATE TABLE credit_lots (
  team_id        text          NOT NULL,
  -- The id of the transaction that granted it.
  lot_id         uuid          NOT NULL,
  source         text          NOT NULL,
  -- The grantor's own name of the grant, an invoice for example: no grant counts twice.
  reference      text          NOT NULL,
  -- 0 burns first.
  priority       smallint      NOT NULL DEFAULT 50,
  -- Null: never.
  expires_at     timestamptz,
  -- What the customer paid for the whole lot; null is not known, 0 is a gift.
  cost_basis_usd numeric(18,10),
  granted        numeric(20,6) NOT NULL,
  remaining      numeric(20,6) NOT NULL,
  -- The part of what remains that open holds have set aside.
  reserved       numeric(20,6) NOT NULL DEFAULT 0,
  created_at     timestamptz   NOT NULL DEFAULT now(),
  -- A column, so that the index below changes only when a lot runs empty.
  is_open        boolean       NOT NULL GENERATED ALWAYS AS (remaining > 0) STORED,
  CONSTRAINT pk_credit_lots PRIMARY KEY (team_id, lot_id),
  CONSTRAINT fk_credit_lots_account FOREIGN KEY (team_id) REFERENCES team_credits,
  CONSTRAINT ux_credit_lots_reference UNIQUE (team_id, source, reference),
  CONSTRAINT ck_credit_lots_source CHECK (source IN ('allocation', 'purchase', 'promotion', 'subscription', 'adjustment')),
  CONSTRAINT ck_credit_lots_priority CHECK (priority BETWEEN 0 AND 100),
  CONSTRAINT ck_credit_lots_cost_basis CHECK (cost_basis_usd >= 0),
  CONSTRAINT ck_credit_lots_amounts CHECK (granted > 0 AND reserved >= 0 AND remaining >= reserved AND granted >= remaining)
) WITH (fillfactor = 70);
CREATE INDEX ix_credit_lots_burn_order ON credit_lots (team_id, priority, expires_at, created_at, lot_id) WHERE is_open;
CREATE INDEX ix_credit_lots_expiring ON credit_lots (expires_at) WHERE is_open AND expires_at IS NOT NULL;

-- A lot's share list is nearly always of one: the sum is asked for only where it is not.
CREATE FUNCTION sum_of(amounts numeric[]) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (SELECT coalesce(sum(amount), 0) FROM unnest(amounts) AS amount);

CREATE TABLE credit_transactions (
  -- No foreign key: its check is a query a row, and whoever writes here holds the account's row lock. The account stays, for its
  -- lots refer to it.
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
  -- Which lots it concerned and what it added to each, in the same order.
  lot_ids        uuid[]          NOT NULL,
  lot_amounts    numeric(20,6)[] NOT NULL,
  created_at     timestamptz   NOT NULL DEFAULT now(),
  CONSTRAINT pk_credit_transactions PRIMARY KEY (team_id, sequence),
  CONSTRAINT ck_credit_transactions_kind CHECK (kind IN
    ('allocation', 'topup', 'deduction', 'refund', 'promotion', 'subscription', 'adjustment', 'expiry')),
  CONSTRAINT ck_credit_transactions_chain CHECK (credits_after = credits_before + amount),
  CONSTRAINT ck_credit_transactions_not_overdrawn CHECK (credits_after >= 0),
  CONSTRAINT ck_credit_transactions_sign CHECK (
    CASE kind WHEN 'deduction' THEN amount < 0 WHEN 'expiry' THEN amount < 0 WHEN 'adjustment' THEN amount <> 0 ELSE amount > 0 END),
  CONSTRAINT ck_credit_transactions_names_its_job CHECK (kind NOT IN ('deduction', 'refund') OR job_id IS NOT NULL),
  CONSTRAINT ck_credit_transactions_lots CHECK (
    cardinality(lot_ids) = cardinality(lot_amounts)
    AND amount = CASE cardinality(lot_amounts) WHEN 1 THEN lot_amounts[1] ELSE sum_of(lot_amounts) END)
);
-- A deduction is found by its job; every index more is a write more for each job.
CREATE UNIQUE INDEX ux_credit_transactions_id ON credit_transactions (team_id, transaction_id) WHERE kind <> 'deduction';
CREATE UNIQUE INDEX ux_credit_transactions_one_deduction_per_job ON credit_transactions (team_id, job_id) WHERE kind = 'deduction';
CREATE INDEX ix_credit_transactions_refunds ON credit_transactions (team_id, job_id) WHERE kind = 'refund';

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
