-- Credits that come by themselves, each day, week or month.
CREATE TABLE credit_refills (
  team_id          text          NOT NULL,
  is_enabled       boolean       NOT NULL,
  period           text          NOT NULL,
  mode             text          NOT NULL,
  -- What is added, or the level of remaining credits that is filled up to.
  credits          numeric(20,6) NOT NULL,
  -- What the customer pays for all of these credits; NULL is not known.
  cost_basis_usd   numeric(18,10),
  -- True: what a refill adds ends at the next one.
  expires          boolean       NOT NULL DEFAULT false,
  -- The first tick; the others are whole periods later.
  starts_at        timestamptz   NOT NULL,
  -- The tick that is not decided yet.
  next_refill_at   timestamptz   NOT NULL,
  last_refill_at   timestamptz,
  last_credits     numeric(20,6),
  created_at       timestamptz   NOT NULL DEFAULT now(),
  updated_at       timestamptz   NOT NULL DEFAULT now(),
  CONSTRAINT pk_credit_refills PRIMARY KEY (team_id),
  CONSTRAINT fk_credit_refills_team FOREIGN KEY (team_id) REFERENCES teams,
  CONSTRAINT ck_credit_refills_period CHECK (period IN ('daily', 'weekly', 'monthly')),
  CONSTRAINT ck_credit_refills_mode CHECK (mode IN ('amount', 'up_to')),
  CONSTRAINT ck_credit_refills_credits CHECK (credits > 0 AND last_credits >= 0),
  CONSTRAINT ck_credit_refills_cost_basis CHECK (cost_basis_usd >= 0)
);
CREATE INDEX ix_credit_refills_due ON credit_refills (next_refill_at) WHERE is_enabled;

ALTER TABLE credit_lots DROP CONSTRAINT ck_credit_lots_source;
ALTER TABLE credit_lots ADD CONSTRAINT ck_credit_lots_source
  CHECK (source IN ('allocation', 'purchase', 'promotion', 'subscription', 'adjustment', 'refill'));
ALTER TABLE credit_transactions DROP CONSTRAINT ck_credit_transactions_kind;
ALTER TABLE credit_transactions ADD CONSTRAINT ck_credit_transactions_kind CHECK (kind IN
  ('allocation', 'topup', 'deduction', 'refund', 'promotion', 'subscription', 'adjustment', 'expiry', 'refill'));
