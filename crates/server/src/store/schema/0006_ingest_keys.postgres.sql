-- Keys that stand in a path, for clients that cannot send headers; one that was revoked is gone.
CREATE TABLE ingest_keys (
  id          TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id   TEXT    NOT NULL REFERENCES tenants (id),
  device_id   TEXT    REFERENCES devices (id), -- NULL: a fleet key, of the team
  key_sha256  TEXT    NOT NULL UNIQUE,
  created_by  TEXT    NOT NULL REFERENCES users (id),
  created_at  BIGINT NOT NULL
);
CREATE INDEX ingest_keys_by_device ON ingest_keys (tenant_id, device_id);

-- 1: came by a fleet key under a name of its own and was not adopted yet.
ALTER TABLE devices ADD COLUMN unassigned BIGINT NOT NULL DEFAULT 0;
CREATE INDEX devices_unassigned ON devices (tenant_id) WHERE unassigned = 1;

ALTER TABLE ingest_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE ingest_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON ingest_keys
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));
