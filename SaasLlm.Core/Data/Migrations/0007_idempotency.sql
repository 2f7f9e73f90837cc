-- The Idempotency-Keys of the last 24 hours: what was asked, who works on it, and what was answered.

CREATE TABLE idempotency_keys (
  -- 'operator', or 'team:' and the team's id.
  caller        text        NOT NULL,
  -- SHA-256 of the route, its values and the key: a path may be longer than an index entry.
  scope         bytea       NOT NULL,
  -- For people: the method and the route's template.
  route         text        NOT NULL,
  -- HMAC of the query and the body: from a plain hash a short body could be guessed.
  request_hash  bytea       NOT NULL,
  -- running: an attempt works on it until lease_until. released: an attempt ended without an answer to keep. done: answered.
  state         text        NOT NULL DEFAULT 'running',
  -- The id of what the request makes: the same in every attempt, so that the work done twice is done once.
  work_id       uuid        NOT NULL,
  -- New with every attempt. An attempt whose fence is gone may neither commit nor answer.
  fence         uuid        NOT NULL,
  attempts      integer     NOT NULL DEFAULT 1,
  lease_until   timestamptz NOT NULL,
  -- What the work's own transaction committed, encrypted: a later attempt answers from it instead of working again.
  result        bytea,
  answer_status integer,
  -- Headers and body, encrypted.
  answer        bytea,
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz NOT NULL,
  CONSTRAINT pk_idempotency_keys PRIMARY KEY (caller, scope),
  CONSTRAINT ck_idempotency_keys_hashes CHECK (octet_length(scope) = 32 AND octet_length(request_hash) = 32),
  CONSTRAINT ck_idempotency_keys_state CHECK (state IN ('running', 'released', 'done')),
  CONSTRAINT ck_idempotency_keys_done_has_answer CHECK ((state = 'done') = (answer IS NOT NULL) AND (answer IS NULL) = (answer_status IS NULL)),
  CONSTRAINT ck_idempotency_keys_keeps_no_failure CHECK (answer_status BETWEEN 200 AND 499)
) WITH (fillfactor = 80); -- room for the answer's in-page update
CREATE INDEX ix_idempotency_keys_expires ON idempotency_keys (expires_at);
-- Encrypted bytes do not compress.
ALTER TABLE idempotency_keys ALTER COLUMN result SET STORAGE EXTERNAL, ALTER COLUMN answer SET STORAGE EXTERNAL;
