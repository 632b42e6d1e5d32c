-- Short codes that a member makes and a device exchanges for its token, once: a used one is gone.
CREATE TABLE claim_codes (
  code_sha256  TEXT    NOT NULL PRIMARY KEY,
  tenant_id    TEXT    NOT NULL REFERENCES tenants (id),
  device_name  TEXT    NOT NULL,
  created_by   TEXT    NOT NULL REFERENCES users (id),
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX claim_codes_by_expiry ON claim_codes (tenant_id, expires_at);

-- Who did what to a team's people, devices and keys. `number` counts up in each team; old ones are dropped.
CREATE TABLE audit (
  tenant_id  TEXT    NOT NULL REFERENCES tenants (id),
  number     INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  actor      TEXT    NOT NULL,                 -- an e-mail address, `operator` or `claim code`
  action     TEXT    NOT NULL,
  subject    TEXT    NOT NULL,                 -- id or e-mail address of what it was done to
  detail     TEXT    NOT NULL,
  PRIMARY KEY (tenant_id, number)
) STRICT;
