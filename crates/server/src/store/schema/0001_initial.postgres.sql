-- Times are microseconds since 1970 in UTC, booleans 0/1, ids and JSON are TEXT.

CREATE TABLE tenants (
  id          TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  name        TEXT    NOT NULL,
  created_at  BIGINT NOT NULL
);

CREATE TABLE users (
  id             TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  email          TEXT    NOT NULL UNIQUE,      -- lower case
  password_hash  TEXT,                         -- argon2id PHC string; NULL: signs in by link only
  created_at     BIGINT NOT NULL,
  disabled       BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE memberships (
  tenant_id   TEXT    NOT NULL REFERENCES tenants (id),
  user_id     TEXT    NOT NULL REFERENCES users (id),
  role        TEXT    NOT NULL CHECK (role IN ('owner', 'member', 'viewer')),
  created_at  BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id);

CREATE TABLE web_sessions (
  id          TEXT    COLLATE "C" NOT NULL PRIMARY KEY,    -- hash of the cookie's value
  user_id     TEXT    NOT NULL REFERENCES users (id),
  created_at  BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL
);
CREATE INDEX web_sessions_by_expiry ON web_sessions (expires_at);

CREATE TABLE one_time_links (
  token_sha256  TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  purpose       TEXT    NOT NULL CHECK (purpose IN ('setup', 'sign_in')),
  user_id       TEXT    REFERENCES users (id), -- NULL for a setup link
  created_at    BIGINT NOT NULL,
  expires_at    BIGINT NOT NULL,
  used_at       BIGINT
);

CREATE TABLE devices (
  id          TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id   TEXT    NOT NULL REFERENCES tenants (id),
  name        TEXT    NOT NULL,
  created_at  BIGINT NOT NULL,
  created_by  TEXT    REFERENCES users (id),
  revoked_at  BIGINT,
  seen_at     BIGINT
);
CREATE INDEX devices_by_tenant ON devices (tenant_id, name);

CREATE TABLE device_tokens (
  token_sha256  TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id     TEXT    NOT NULL REFERENCES tenants (id),
  device_id     TEXT    NOT NULL REFERENCES devices (id),
  created_at    BIGINT NOT NULL,
  revoked_at    BIGINT
);
CREATE INDEX device_tokens_by_device ON device_tokens (device_id);

-- One stored version of one recording. `identity` says which versions are of one recording: `open:<id>` for ours,
-- `name:<device or ->:<file name>` for others, `picture:<device or ->` for stills.
CREATE TABLE recordings (
  id           TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id    TEXT    NOT NULL REFERENCES tenants (id),
  device_id    TEXT    REFERENCES devices (id),
  uploaded_by  TEXT    REFERENCES users (id),
  kind         TEXT    NOT NULL CHECK (kind IN ('drive', 'picture')),
  identity     TEXT    NOT NULL,
  version      BIGINT NOT NULL,               -- from 1
  file_name    TEXT    NOT NULL,
  sha256       TEXT    NOT NULL,               -- lower-case hex, names the object
  size_bytes   BIGINT NOT NULL,
  stored_at    BIGINT NOT NULL,
  UNIQUE (tenant_id, identity, version),
  UNIQUE (tenant_id, identity, sha256)
);

-- Gates that an analysis learned. Never changed: `number` counts from 1 in each tenant, so "all tracks up to number n"
-- names the same set for ever, and an old analysis can be repeated with exactly what it knew.
CREATE TABLE tracks (
  id           TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id    TEXT    NOT NULL REFERENCES tenants (id),
  number       BIGINT NOT NULL,
  shape        TEXT    NOT NULL,               -- JSON
  created_at   BIGINT NOT NULL,
  UNIQUE (tenant_id, number)
);

CREATE TABLE sessions (
  id                TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id         TEXT    NOT NULL REFERENCES tenants (id),
  recording_id      TEXT    NOT NULL UNIQUE REFERENCES recordings (id),
  stored_at         BIGINT NOT NULL,          -- the recording's, here for the list's index
  status            TEXT    NOT NULL CHECK (status IN ('waiting', 'analysing', 'ready', 'failed')),
  status_at         BIGINT NOT NULL,
  gate              TEXT,                      -- given by a person, in the command line's form
  finish            TEXT,
  tracks_known      BIGINT,                   -- the analysis was given the tracks up to this number
  track_id          TEXT    REFERENCES tracks (id),
  analysis_version  BIGINT,
  started_at        BIGINT,
  track_name        TEXT,
  format            TEXT,
  vehicle           TEXT,
  best_ms           DOUBLE PRECISION,
  laps_timed        BIGINT,
  duration_s        DOUBLE PRECISION,
  distance_m        DOUBLE PRECISION,
  report            TEXT,                      -- JSON, exactly as derived
  error_code        TEXT,
  error_message     TEXT,
  error_line        BIGINT
);
CREATE INDEX sessions_newest ON sessions (tenant_id, stored_at DESC, id DESC);

CREATE TABLE jobs (
  id           TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id    TEXT    NOT NULL REFERENCES tenants (id),
  kind         TEXT    NOT NULL CHECK (kind IN ('analyse')),
  session_id   TEXT    NOT NULL REFERENCES sessions (id),
  created_at   BIGINT NOT NULL,
  attempts     BIGINT NOT NULL DEFAULT 0,     -- counted when taken, so a job that kills the process counts too
  next_try_at  BIGINT NOT NULL,
  lease        TEXT,                           -- who holds it; NULL: nobody
  lease_until  BIGINT
);
CREATE INDEX jobs_due ON jobs (next_try_at);
CREATE INDEX jobs_by_session ON jobs (session_id);

-- Row-level security: a transaction sees the rows of the tenant it was begun for, and nothing when it was begun for none.
-- `*` is the scope of sign-in, the job runner and the operator's commands. FORCE binds the tables' owner too.

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON tenants
  USING (current_setting('fieldpost.tenant', true) IN (id, '*'));

ALTER TABLE memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE memberships FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON memberships
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));

ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE devices FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON devices
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));

ALTER TABLE device_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE device_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON device_tokens
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));

ALTER TABLE recordings ENABLE ROW LEVEL SECURITY;
ALTER TABLE recordings FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON recordings
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));

ALTER TABLE tracks ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracks FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON tracks
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON sessions
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));

ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON jobs
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));
