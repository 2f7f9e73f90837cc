-- Since when a step waits for a runner, or waited.
ALTER TABLE background_steps ADD COLUMN ready_at timestamptz;

-- To add up what runs: as many rows as teams have running steps, however many teams there are.
CREATE INDEX ix_background_teams_running ON background_teams (team_id) WHERE running > 0;
