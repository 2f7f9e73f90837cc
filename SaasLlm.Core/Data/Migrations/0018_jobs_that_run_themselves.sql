-- A submitted job takes no calls but its own: the ledger knows it by its row, under the lock that it has anyway.
-- What an API process of before submits after this is not marked: such processes are to end before.
ALTER TABLE jobs ADD COLUMN runs_itself boolean NOT NULL DEFAULT false;

-- Of a job that has ended nobody asks any more.
UPDATE jobs j SET runs_itself = true FROM background_jobs b WHERE b.team_id = j.team_id AND b.job_id = j.job_id AND j.hold_state = 'held';
