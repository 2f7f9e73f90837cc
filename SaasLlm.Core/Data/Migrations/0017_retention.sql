-- As before; and rows of a month that had no partition yet, which the default one took, move into it: else the month could never be made.
CREATE OR REPLACE FUNCTION ensure_partitions(months integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent record;
  first_day timestamptz;
  partition_name text;
  lower_id uuid;
  upper_id uuid;
  has_rows boolean;
BEGIN
  FOR offset_months IN 0..months LOOP
    first_day := (date_trunc('month', now() AT TIME ZONE 'utc') + make_interval(months => offset_months)) AT TIME ZONE 'utc';
    lower_id := uuid7_floor(first_day);
    upper_id := uuid7_floor((first_day AT TIME ZONE 'utc' + interval '1 month') AT TIME ZONE 'utc');
    FOR parent IN
      SELECT c.relname AS name, a.attname AS key
        FROM pg_partitioned_table p
        JOIN pg_class c ON c.oid = p.partrelid
        JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
       WHERE c.relnamespace = 'public'::regnamespace AND p.partstrat = 'r' AND a.atttypid = 'uuid'::regtype
       ORDER BY c.relname
    LOOP
      partition_name := parent.name || '_' || to_char(first_day AT TIME ZONE 'utc', 'YYYY_MM');
      CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;
      EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I WHERE %I >= %L AND %I < %L)',
        parent.name || '_default', parent.key, lower_id, parent.key, upper_id) INTO has_rows;
      IF has_rows THEN
        -- Nobody adds to them meanwhile.
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent.name || '_default');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', partition_name, parent.name);
        EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
          parent.name || '_default', parent.key, lower_id, parent.key, upper_id, partition_name);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent.name, partition_name, lower_id, upper_id);
      ELSE
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', partition_name, parent.name, lower_id, upper_id);
      END IF;
    END LOOP;
  END LOOP;
END $$;
