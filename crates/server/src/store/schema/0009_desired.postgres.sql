-- What people want a device to be, and how far it has followed. No row: nothing was ever wanted, which is version 0.
CREATE TABLE device_desired (
  tenant_id        TEXT    NOT NULL REFERENCES tenants (id),
  device_id        TEXT    NOT NULL REFERENCES devices (id),
  version          BIGINT NOT NULL,          -- rises with every change and every command
  put_version      BIGINT NOT NULL,          -- that of the newest change of settings, track or networks
  settings         TEXT    NOT NULL,          -- JSON object of scalars
  track            TEXT,                      -- JSON
  networks         TEXT    NOT NULL,          -- JSON; passwords are sealed for the device and nobody here can open them
  applied_version  BIGINT NOT NULL,
  applied_at       BIGINT,
  failed_version   BIGINT,                   -- later than applied_version, or NULL
  failed_at        BIGINT,
  failed_error     TEXT,
  PRIMARY KEY (tenant_id, device_id)
);

CREATE TABLE device_commands (
  id          TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id   TEXT    NOT NULL REFERENCES tenants (id),
  device_id   TEXT    NOT NULL REFERENCES devices (id),
  kind        TEXT    NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('queued', 'done', 'failed')),
  made_by     TEXT    NOT NULL,               -- e-mail address
  made_at     BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  ended_at    BIGINT,
  detail      TEXT
);
CREATE INDEX device_commands_by_device ON device_commands (tenant_id, device_id, made_at, id);

-- What a device says of its last crash.
CREATE TABLE device_crashes (
  id         TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id  TEXT    NOT NULL REFERENCES tenants (id),
  device_id  TEXT    NOT NULL REFERENCES devices (id),
  heard_at   BIGINT NOT NULL,
  reason     TEXT    NOT NULL,
  boot       TEXT    NOT NULL,                -- empty where it does not say
  firmware   TEXT,
  uptime_s   BIGINT,
  detail     TEXT,
  UNIQUE (tenant_id, device_id, boot, reason)
);

-- The P-256 key that networks are sealed for, as the device said it last.
ALTER TABLE device_states ADD COLUMN seal_key TEXT;

ALTER TABLE device_desired ENABLE ROW LEVEL SECURITY;
ALTER TABLE device_desired FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON device_desired
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));

ALTER TABLE device_commands ENABLE ROW LEVEL SECURITY;
ALTER TABLE device_commands FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON device_commands
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));

ALTER TABLE device_crashes ENABLE ROW LEVEL SECURITY;
ALTER TABLE device_crashes FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON device_crashes
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));
