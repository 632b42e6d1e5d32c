-- The bytes of all recordings of a team: kept with each of them, never counted again.
ALTER TABLE tenants ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE tenants SET stored_bytes =
  (SELECT COALESCE(SUM(r.size_bytes), 0) FROM recordings r WHERE r.tenant_id = tenants.id);

-- Whether a recording that does not fit could be one that is there already.
CREATE INDEX recordings_by_size ON recordings (tenant_id, size_bytes);
