-- What a team, and each of its keys, may call. Null is no limit.

ALTER TABLE teams
  ADD COLUMN requests_per_minute integer,
  ADD COLUMN tokens_per_minute   bigint,
  ADD COLUMN parallel_calls      integer,
  ADD CONSTRAINT ck_teams_requests_per_minute CHECK (requests_per_minute > 0),
  ADD CONSTRAINT ck_teams_tokens_per_minute CHECK (tokens_per_minute > 0),
  ADD CONSTRAINT ck_teams_parallel_calls CHECK (parallel_calls > 0);

ALTER TABLE team_keys
  ADD COLUMN requests_per_minute integer,
  ADD COLUMN tokens_per_minute   bigint,
  ADD COLUMN parallel_calls      integer,
  ADD CONSTRAINT ck_team_keys_requests_per_minute CHECK (requests_per_minute > 0),
  ADD CONSTRAINT ck_team_keys_tokens_per_minute CHECK (tokens_per_minute > 0),
  ADD CONSTRAINT ck_team_keys_parallel_calls CHECK (parallel_calls > 0);
