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

-- A still, by its recording. `shown_at` is its place in lists: when it was taken, else when it was stored.
CREATE TABLE pictures (
  recording_id     TEXT    NOT NULL PRIMARY KEY REFERENCES recordings (id),
  tenant_id        TEXT    NOT NULL REFERENCES tenants (id),
  stored_at        INTEGER NOT NULL,
  shown_at         INTEGER NOT NULL,
  state            TEXT    NOT NULL CHECK (state IN ('waiting', 'good', 'quarantined')),
  state_at         INTEGER NOT NULL,
  error_code       TEXT,
  error_message    TEXT,
  width_px         INTEGER,
  height_px        INTEGER,
  captured_from    TEXT    CHECK (captured_from IN ('exif', 'name', 'received')),
  captured_local   TEXT,                        -- the camera's clock, no zone
  captured_at      INTEGER,                     -- NULL while the zone is unknown
  camera           TEXT,
  picture_version  INTEGER
) STRICT;
CREATE INDEX pictures_newest ON pictures (tenant_id, shown_at DESC, recording_id DESC);

-- Those that were stored before they were looked at.
INSERT INTO pictures (recording_id, tenant_id, stored_at, shown_at, state, state_at)
  SELECT id, tenant_id, stored_at, stored_at, 'waiting', stored_at FROM recordings WHERE kind = 'picture';
INSERT INTO jobs (id, tenant_id, kind, recording_id, created_at, next_try_at)
  SELECT id, tenant_id, 'picture', id, stored_at, stored_at FROM recordings WHERE kind = 'picture';
