-- What a call asked and was answered, of teams that keep it: by when it runs out, a week each, so that a week's end drops it whole.

-- For how many days a team keeps them; null: not at all.
ALTER TABLE teams
  ADD COLUMN keep_bodies_days integer,
  ADD CONSTRAINT ck_teams_keep_bodies_days CHECK (keep_bodies_days BETWEEN 1 AND 90);

CREATE TABLE llm_call_bodies (
  team_id       text        NOT NULL,
  call_id       uuid        NOT NULL,
  job_id        uuid        NOT NULL,
  model_group   text        NOT NULL,
  -- Why the call failed; null where it did not.
  error_code    text,
  -- AES-GCM under the encryption key, bound to the call; null: longer than is kept.
  request       bytea,
  request_bytes integer     NOT NULL,
  -- As the request; null also where there was none, and then of 0 bytes.
  answer        bytea,
  answer_bytes  integer     NOT NULL,
  kept_at       timestamptz NOT NULL,
  expires_at    timestamptz NOT NULL,
  CONSTRAINT pk_llm_call_bodies PRIMARY KEY (team_id, call_id, expires_at),
  CONSTRAINT ck_llm_call_bodies_sizes CHECK (request_bytes >= 0 AND answer_bytes >= 0),
  CONSTRAINT ck_llm_call_bodies_no_answer_of_no_bytes CHECK ((answer_bytes = 0) <= (answer IS NULL)),
  CONSTRAINT ck_llm_call_bodies_expires CHECK (expires_at > kept_at)
) PARTITION BY RANGE (expires_at);

-- What no week holds is kept, not refused.
CREATE TABLE llm_call_bodies_default PARTITION OF llm_call_bodies DEFAULT;

-- Makes the weeks (from Monday, UTC) from this one to `weeks` ahead that are not there yet; rows of theirs that the default one took move there.
CREATE FUNCTION ensure_body_partitions(weeks integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  first_day timestamptz;
  next_first_day timestamptz;
  partition_name text;
BEGIN
  FOR offset_weeks IN 0..weeks LOOP
    first_day := date_trunc('week', ledger_now(), 'UTC') + offset_weeks * interval '168 hours';
    next_first_day := first_day + interval '168 hours';
    partition_name := 'llm_call_bodies_' || to_char(first_day AT TIME ZONE 'utc', 'YYYY_MM_DD');
    CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
    IF EXISTS (SELECT 1 FROM llm_call_bodies_default WHERE expires_at >= first_day AND expires_at < next_first_day) THEN
      -- Nobody adds to them meanwhile. The whole table, as readers lock it: who had a part of it first would wait for another who waits for that part.
      LOCK TABLE llm_call_bodies IN ACCESS EXCLUSIVE MODE;
      EXECUTE format('CREATE TABLE %I (LIKE llm_call_bodies INCLUDING ALL)', partition_name);
      EXECUTE format('WITH moved AS (DELETE FROM llm_call_bodies_default WHERE expires_at >= %L AND expires_at < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
        first_day, next_first_day, partition_name);
      EXECUTE format('ALTER TABLE llm_call_bodies ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition_name, first_day, next_first_day);
    ELSE
      EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF llm_call_bodies FOR VALUES FROM (%L) TO (%L)', partition_name, first_day, next_first_day);
    END IF;
  END LOOP;
END $$;

SELECT ensure_body_partitions(15);
