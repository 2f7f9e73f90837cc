-- Months and weeks are made one way, and nobody who uses their table waits in a circle with who makes them.

-- Makes the part of a table from `lower_bound` (inclusive) to `upper_bound`, named `<parent>_<suffix>`, if it is not there; rows of its range that
-- the default one took move there. It waits as long as the caller's lock_timeout says.
CREATE FUNCTION ensure_partition(parent regclass, suffix text, lower_bound text, upper_bound text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  partition_name text;
  default_part regclass;
  key name;
  in_range text;
  has_rows boolean;
BEGIN
  -- Beside its parent, wherever the caller's search_path leads.
  SELECT format('%I.%I', n.nspname, c.relname || '_' || suffix), p.partdefid::regclass, a.attname
    INTO STRICT partition_name, default_part, key
    FROM pg_partitioned_table p
    JOIN pg_class c ON c.oid = p.partrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
   WHERE p.partrelid = parent;
  IF to_regclass(partition_name) IS NOT NULL THEN
    RETURN;
  END IF;

  -- Before anything of the table is touched, and in the order in which those who use it lock it. Not its other parts: nothing is done to them.
  EXECUTE format('LOCK TABLE ONLY %s, %s IN ACCESS EXCLUSIVE MODE', parent, default_part);
  -- Somebody else may have made it meanwhile.
  IF to_regclass(partition_name) IS NOT NULL THEN
    RETURN;
  END IF;

  in_range := format('%I >= %L AND %I < %L', key, lower_bound, key, upper_bound);
  EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s WHERE %s)', default_part, in_range) INTO has_rows;
  IF has_rows THEN
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL)', partition_name, parent);
    EXECUTE format('WITH moved AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO %s SELECT * FROM moved', default_part, in_range, partition_name);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', parent, partition_name, lower_bound, upper_bound);
  ELSE
    EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', partition_name, parent, lower_bound, upper_bound);
  END IF;
END $$;

-- The tables of which each part holds a month, by their UUIDv7.
CREATE FUNCTION monthly_tables() RETURNS SETOF regclass LANGUAGE sql STABLE AS $$
  SELECT p.partrelid::regclass
    FROM pg_partitioned_table p
    JOIN pg_class c ON c.oid = p.partrelid
    JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
   WHERE c.relnamespace = 'public'::regnamespace AND p.partstrat = 'r' AND a.atttypid = 'uuid'::regtype
   ORDER BY c.relname
$$;

-- As the one below, of one table.
CREATE FUNCTION ensure_partitions(parent regclass, months integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  first_day timestamp;
BEGIN
  FOR offset_months IN 0..months LOOP
    first_day := date_trunc('month', now() AT TIME ZONE 'utc') + make_interval(months => offset_months);
    PERFORM ensure_partition(
      parent, to_char(first_day, 'YYYY_MM'),
      uuid7_floor(first_day AT TIME ZONE 'utc')::text, uuid7_floor((first_day + interval '1 month') AT TIME ZONE 'utc')::text);
  END LOOP;
END $$;

-- Of all monthly tables. For migrations, beside which nobody works: the tables stay locked until the transaction ends, and who works in several
-- of them takes them in an order of its own.
CREATE OR REPLACE FUNCTION ensure_partitions(months integer) RETURNS void LANGUAGE sql AS $$
  SELECT ensure_partitions(parent, months) FROM monthly_tables() AS parent
$$;

-- As before.
CREATE OR REPLACE FUNCTION ensure_body_partitions(weeks integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  first_day timestamptz;
BEGIN
  FOR offset_weeks IN 0..weeks LOOP
    first_day := date_trunc('week', ledger_now(), 'UTC') + offset_weeks * interval '168 hours';
    PERFORM ensure_partition(
      'public.llm_call_bodies', to_char(first_day AT TIME ZONE 'utc', 'YYYY_MM_DD'), first_day::text, (first_day + interval '168 hours')::text);
  END LOOP;
END $$;
