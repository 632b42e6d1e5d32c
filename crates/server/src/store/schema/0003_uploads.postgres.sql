-- Uploads that arrive in pieces. How far the bytes are is recorded beside the bytes; a row sees the beginning, the length
-- when it comes later, and the end.
CREATE TABLE uploads (
  id            TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id     TEXT    NOT NULL REFERENCES tenants (id),
  device_id     TEXT    REFERENCES devices (id), -- that made the recording, whoever brings it
  user_id       TEXT    REFERENCES users (id),   -- who began it; NULL: the device
  kind          TEXT    NOT NULL CHECK (kind IN ('drive', 'picture')),
  role          TEXT    NOT NULL CHECK (role IN ('whole', 'partial', 'final')),
  file_name     TEXT,                            -- NULL for a part
  metadata      TEXT    NOT NULL,                -- as it was sent
  concat        TEXT,                            -- as it was sent
  size_bytes    BIGINT,                          -- NULL until it is known
  sha256        TEXT,                            -- as announced
  same_key      TEXT,                            -- a second creation with it finds this row; NULL: none does
  state         TEXT    NOT NULL CHECK (state IN ('open', 'complete', 'gone')),
  created_at    BIGINT NOT NULL,
  ended_at      BIGINT,                          -- complete or gone since then
  recording_id  TEXT    REFERENCES recordings (id),
  UNIQUE (tenant_id, same_key)
);
CREATE INDEX uploads_by_state ON uploads (tenant_id, state);
CREATE INDEX uploads_oldest ON uploads (state, created_at);

ALTER TABLE uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE uploads FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON uploads
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));
