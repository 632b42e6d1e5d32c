-- A job is about a recording; its kind says what is done.
CREATE TABLE jobs_of_recordings (
  id            TEXT    NOT NULL PRIMARY KEY,
  tenant_id     TEXT    NOT NULL REFERENCES tenants (id),
  kind          TEXT    NOT NULL CHECK (kind IN ('analyse', 'picture')),
  recording_id  TEXT    NOT NULL REFERENCES recordings (id),
  created_at    INTEGER NOT NULL,
  attempts      INTEGER NOT NULL DEFAULT 0,     -- counted when taken, so a job that kills the process counts too
  next_try_at   INTEGER NOT NULL,
  lease         TEXT,                           -- who holds it; NULL: nobody
  lease_until   INTEGER
) STRICT;
INSERT INTO jobs_of_recordings
  SELECT j.id, j.tenant_id, j.kind, s.recording_id, j.created_at, j.attempts, j.next_try_at, j.lease, j.lease_until
  FROM jobs j JOIN sessions s ON s.id = j.session_id;
DROP TABLE jobs;
ALTER TABLE jobs_of_recordings RENAME TO jobs;
CREATE INDEX jobs_due ON jobs (next_try_at);
CREATE INDEX jobs_by_recording ON jobs (recording_id);
