-- Prices are versions of one book: a version is never changed, and a job keeps the one it opened with.
CREATE TABLE price_versions (
  version    bigint      NOT NULL,
  -- Who said it.
  source     text        NOT NULL,
  reason     text        NOT NULL,
  -- Where it can be looked up.
  source_url text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_price_versions PRIMARY KEY (version),
  CONSTRAINT ck_price_versions_number CHECK (version > 0),
  CONSTRAINT ck_price_versions_source CHECK (source IN ('builtin', 'gateway', 'configuration', 'operator'))
);

-- What a version says of a model; of what it does not name, it says what the version before said.
CREATE TABLE model_prices (
  model_name               text   NOT NULL,
  version                  bigint NOT NULL,
  -- USD a million tokens. Without input and output the version takes its source's price back.
  input_usd_per_million        numeric(20,12),
  output_usd_per_million       numeric(20,12),
  -- Null: costs as input.
  cached_input_usd_per_million numeric(20,12),
  cache_write_usd_per_million  numeric(20,12),
  -- Null: costs as output.
  reasoning_usd_per_million    numeric(20,12),
  -- USD, whatever the tokens.
  request_usd                  numeric(18,10),
  CONSTRAINT pk_model_prices PRIMARY KEY (model_name, version),
  CONSTRAINT fk_model_prices_version FOREIGN KEY (version) REFERENCES price_versions,
  CONSTRAINT ck_model_prices_whole_or_none CHECK (
    (input_usd_per_million IS NULL) = (output_usd_per_million IS NULL)
    AND (input_usd_per_million IS NOT NULL
         OR num_nonnulls(cached_input_usd_per_million, cache_write_usd_per_million, reasoning_usd_per_million, request_usd) = 0)),
  CONSTRAINT ck_model_prices_not_negative CHECK (
    input_usd_per_million >= 0 AND output_usd_per_million >= 0 AND cached_input_usd_per_million >= 0
    AND cache_write_usd_per_million >= 0 AND reasoning_usd_per_million >= 0 AND request_usd >= 0)
);
CREATE INDEX ix_model_prices_version ON model_prices (version);

CREATE FUNCTION prices_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER price_versions_append_only BEFORE UPDATE OR DELETE ON price_versions
   FOR EACH ROW EXECUTE FUNCTION prices_refuse_change();
CREATE TRIGGER model_prices_append_only BEFORE UPDATE OR DELETE ON model_prices
   FOR EACH ROW EXECUTE FUNCTION prices_refuse_change();
CREATE TRIGGER price_versions_no_truncate BEFORE TRUNCATE ON price_versions
   FOR EACH STATEMENT EXECUTE FUNCTION prices_refuse_change();
CREATE TRIGGER model_prices_no_truncate BEFORE TRUNCATE ON model_prices
   FOR EACH STATEMENT EXECUTE FUNCTION prices_refuse_change();

-- No foreign key: every job that opens would lock the newest version's row. 0: before the first version.
ALTER TABLE jobs ADD COLUMN price_version bigint NOT NULL DEFAULT 0;

-- Where the usage came from, and between what the cost lies. Null: running, or older than this.
ALTER TABLE llm_attempts
  ADD COLUMN cache_write_tokens bigint NOT NULL DEFAULT 0,
  ADD COLUMN usage_source       text,
  ADD COLUMN cost_low_usd       numeric(18,10),
  ADD COLUMN cost_high_usd      numeric(18,10),
  -- What the gateway itself says that it cost.
  ADD COLUMN gateway_cost_usd   numeric(18,10),
  ADD CONSTRAINT ck_llm_attempts_usage_source CHECK (usage_source IN ('provider', 'counted', 'bounded', 'unknown')),
  ADD CONSTRAINT ck_llm_attempts_cost_range CHECK (cost_low_usd >= 0 AND cost_low_usd <= cost_high_usd
                                                   AND cache_write_tokens >= 0 AND gateway_cost_usd >= 0);
ALTER TABLE llm_calls
  ADD COLUMN cache_write_tokens bigint NOT NULL DEFAULT 0,
  ADD COLUMN usage_source       text,
  ADD COLUMN cost_low_usd       numeric(18,10),
  ADD COLUMN cost_high_usd      numeric(18,10),
  ADD COLUMN gateway_cost_usd   numeric(18,10),
  ADD CONSTRAINT ck_llm_calls_usage_source CHECK (usage_source IN ('provider', 'counted', 'bounded', 'unknown')),
  ADD CONSTRAINT ck_llm_calls_cost_range CHECK (cost_low_usd >= 0 AND cost_low_usd <= cost_high_usd
                                                AND cache_write_tokens >= 0 AND gateway_cost_usd >= 0);

-- Most attempts are measured; the sums by day are of the others.
CREATE INDEX ix_llm_attempts_unmeasured ON llm_attempts (ended_at, usage_source) WHERE usage_source <> 'provider';
