-- A job is about a recording; its kind says what is done.
ALTER TABLE jobs ADD COLUMN recording_id TEXT REFERENCES recordings (id);
UPDATE jobs SET recording_id = (SELECT s.recording_id FROM sessions s WHERE s.id = jobs.session_id);
ALTER TABLE jobs ALTER COLUMN recording_id SET NOT NULL;
ALTER TABLE jobs DROP COLUMN session_id;
ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('analyse', 'picture'));
CREATE INDEX jobs_by_recording ON jobs (recording_id);
