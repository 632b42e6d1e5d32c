-- The server's keys for receipts. The newest signs; `seed` of the others is NULL, so that nothing more can be signed with them.
CREATE TABLE server_keys (
  number      BIGINT  NOT NULL PRIMARY KEY,    -- from 1, in the order of their making
  public_key  BYTEA   NOT NULL,                -- 32 bytes
  seed        BYTEA,                           -- 32 bytes, secret
  made_at     BIGINT  NOT NULL,
  statement   TEXT                             -- the key before names this one; NULL for the first
);

-- Which life of the storage this is: a restored backup begins another one.
CREATE TABLE storage_epochs (
  number    BIGINT NOT NULL PRIMARY KEY,       -- from 1; the greatest is the present one
  epoch     TEXT   COLLATE "C" NOT NULL UNIQUE,
  began_at  BIGINT NOT NULL
);

-- Receipts are confirmed by the digest alone.
CREATE INDEX recordings_by_bytes ON recordings (tenant_id, sha256);

-- No team's transaction reads the server's secret or changes what it is known by.
ALTER TABLE server_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE server_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON server_keys
  USING (current_setting('fieldpost.tenant', true) = '*');

ALTER TABLE storage_epochs ENABLE ROW LEVEL SECURITY;
ALTER TABLE storage_epochs FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON storage_epochs
  USING (current_setting('fieldpost.tenant', true) = '*');
