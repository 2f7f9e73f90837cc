-- A submitted job takes no calls but its own: the ledger knows it by its row, under the lock that it has anyway.
ALTER TABLE jobs ADD COLUMN runs_itself boolean NOT NULL DEFAULT false;

UPDATE jobs j SET runs_itself = true FROM background_jobs b WHERE b.team_id = j.team_id AND b.job_id = j.job_id;
