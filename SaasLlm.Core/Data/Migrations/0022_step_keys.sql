-- The key that submitted the job: its limits hold for the steps. Null: the operator did, and the team's limits hold alone.
ALTER TABLE background_jobs ADD COLUMN key_id uuid;
