-- A job is about a recording; its kind says what is done.
ALTER TABLE jobs ADD COLUMN recording_id TEXT REFERENCES recordings (id);
UPDATE jobs SET recording_id = (SELECT s.recording_id FROM sessions s WHERE s.id = jobs.session_id);
ALTER TABLE jobs ALTER COLUMN recording_id SET NOT NULL;
ALTER TABLE jobs DROP COLUMN session_id;
ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('analyse', 'picture'));
CREATE INDEX jobs_by_recording ON jobs (recording_id);

-- A still, by its recording. `shown_at` is its place in lists: when it was taken, else when it was stored.
CREATE TABLE pictures (
  recording_id     TEXT    COLLATE "C" NOT NULL PRIMARY KEY REFERENCES recordings (id),
  tenant_id        TEXT    NOT NULL REFERENCES tenants (id),
  stored_at        BIGINT NOT NULL,
  shown_at         BIGINT NOT NULL,
  state            TEXT    NOT NULL CHECK (state IN ('waiting', 'good', 'quarantined')),
  state_at         BIGINT NOT NULL,
  error_code       TEXT,
  error_message    TEXT,
  width_px         BIGINT,
  height_px        BIGINT,
  captured_from    TEXT    CHECK (captured_from IN ('exif', 'name', 'received')),
  captured_local   TEXT,                        -- the camera's clock, no zone
  captured_at      BIGINT,                     -- NULL while the zone is unknown
  camera           TEXT,
  picture_version  BIGINT
);
CREATE INDEX pictures_newest ON pictures (tenant_id, shown_at DESC, recording_id DESC);

-- Those that were stored before they were looked at.
INSERT INTO pictures (recording_id, tenant_id, stored_at, shown_at, state, state_at)
  SELECT id, tenant_id, stored_at, stored_at, 'waiting', stored_at FROM recordings WHERE kind = 'picture';
INSERT INTO jobs (id, tenant_id, kind, recording_id, created_at, next_try_at)
  SELECT id, tenant_id, 'picture', id, stored_at, stored_at FROM recordings WHERE kind = 'picture';

ALTER TABLE pictures ENABLE ROW LEVEL SECURITY;
ALTER TABLE pictures FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON pictures
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));
