-- Keys that stand in a path, for clients that cannot send headers; one that was revoked is gone.
CREATE TABLE ingest_keys (
  id          TEXT    NOT NULL PRIMARY KEY,
  tenant_id   TEXT    NOT NULL REFERENCES tenants (id),
  device_id   TEXT    REFERENCES devices (id), -- NULL: a fleet key, of the team
  key_sha256  TEXT    NOT NULL UNIQUE,
  created_by  TEXT    NOT NULL REFERENCES users (id),
  created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX ingest_keys_by_device ON ingest_keys (tenant_id, device_id);

-- 1: came by a fleet key under a name of its own and was not adopted yet.
ALTER TABLE devices ADD COLUMN unassigned INTEGER NOT NULL DEFAULT 0;
CREATE INDEX devices_unassigned ON devices (tenant_id) WHERE unassigned = 1;
