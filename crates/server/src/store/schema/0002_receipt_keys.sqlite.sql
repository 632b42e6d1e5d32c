-- The server's keys for receipts. The newest signs; `seed` of the others is NULL, so that nothing more can be signed with them.
CREATE TABLE server_keys (
  number      INTEGER NOT NULL PRIMARY KEY,    -- from 1, in the order of their making
  public_key  BLOB    NOT NULL,                -- 32 bytes
  seed        BLOB,                            -- 32 bytes, secret
  made_at     INTEGER NOT NULL,
  statement   TEXT                             -- the key before names this one; NULL for the first
) STRICT;

-- Which life of the storage this is: a restored backup begins another one.
CREATE TABLE storage_epochs (
  number    INTEGER NOT NULL PRIMARY KEY,      -- from 1; the greatest is the present one
  epoch     TEXT    NOT NULL UNIQUE,
  began_at  INTEGER NOT NULL
) STRICT;

-- Receipts are confirmed by the digest alone.
CREATE INDEX recordings_by_bytes ON recordings (tenant_id, sha256);
