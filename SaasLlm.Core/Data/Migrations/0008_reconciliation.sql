-- The books held against each other: runs over all teams, and the differences that stand.

CREATE TABLE reconciliation_runs (
  run_id         uuid        NOT NULL,
  requested_at   timestamptz NOT NULL DEFAULT now(),
  -- Null: JobRunner has not come to it yet.
  started_at     timestamptz,
  -- Null: it has teams left.
  finished_at    timestamptz,
  -- Its place: the last team that was checked.
  after_team_id  text        NOT NULL DEFAULT '',
  teams_checked  bigint      NOT NULL DEFAULT 0,
  -- How many of its differences were found.
  differences    bigint      NOT NULL DEFAULT 0,
  -- What was put right in Redis: balances seeded anew, and holds removed that no job has.
  redis_balances_seeded bigint NOT NULL DEFAULT 0,
  redis_holds_removed   bigint NOT NULL DEFAULT 0,
  -- Teams whose balance Redis did not show, because it did not answer.
  redis_teams_skipped   bigint NOT NULL DEFAULT 0,
  CONSTRAINT pk_reconciliation_runs PRIMARY KEY (run_id),
  CONSTRAINT ck_reconciliation_runs_finished_was_started CHECK (finished_at IS NULL OR started_at IS NOT NULL)
);
CREATE UNIQUE INDEX ux_reconciliation_runs_one_open ON reconciliation_runs ((true)) WHERE finished_at IS NULL;

-- A row goes when its team is checked again and the difference is no longer there.
CREATE TABLE reconciliation_differences (
  difference_id uuid        NOT NULL,
  team_id       text        NOT NULL,
  kind          text        NOT NULL,
  -- What of the team differs: a sequence, a lot, a job; empty for the account itself.
  subject       text        NOT NULL,
  -- No scale: a spoilt row may hold what no sound one can.
  expected      numeric     NOT NULL,
  found         numeric     NOT NULL,
  first_seen    timestamptz NOT NULL DEFAULT now(),
  last_seen     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_reconciliation_differences PRIMARY KEY (difference_id),
  CONSTRAINT ux_reconciliation_differences_what UNIQUE (team_id, kind, subject)
);
