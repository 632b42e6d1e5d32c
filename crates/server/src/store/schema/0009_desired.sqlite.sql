-- What people want a device to be, and how far it has followed. No row: nothing was ever wanted, which is version 0.
CREATE TABLE device_desired (
  tenant_id        TEXT    NOT NULL REFERENCES tenants (id),
  device_id        TEXT    NOT NULL REFERENCES devices (id),
  version          INTEGER NOT NULL,          -- rises with every change and every command
  put_version      INTEGER NOT NULL,          -- that of the newest change of settings, track or networks
  settings         TEXT    NOT NULL,          -- JSON object of scalars
  track            TEXT,                      -- JSON
  networks         TEXT    NOT NULL,          -- JSON; passwords are sealed for the device and nobody here can open them
  applied_version  INTEGER NOT NULL,
  applied_at       INTEGER,
  failed_version   INTEGER,                   -- later than applied_version, or NULL
  failed_at        INTEGER,
  failed_error     TEXT,
  PRIMARY KEY (tenant_id, device_id)
) STRICT;

CREATE TABLE device_commands (
  id          TEXT    NOT NULL PRIMARY KEY,
  tenant_id   TEXT    NOT NULL REFERENCES tenants (id),
  device_id   TEXT    NOT NULL REFERENCES devices (id),
  kind        TEXT    NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('queued', 'done', 'failed')),
  made_by     TEXT    NOT NULL,               -- e-mail address
  made_at     INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  detail      TEXT
) STRICT;
CREATE INDEX device_commands_by_device ON device_commands (tenant_id, device_id, made_at, id);

-- What a device says of its last crash.
CREATE TABLE device_crashes (
  id         TEXT    NOT NULL PRIMARY KEY,
  tenant_id  TEXT    NOT NULL REFERENCES tenants (id),
  device_id  TEXT    NOT NULL REFERENCES devices (id),
  heard_at   INTEGER NOT NULL,
  reason     TEXT    NOT NULL,
  boot       TEXT    NOT NULL,                -- empty where it does not say
  firmware   TEXT,
  uptime_s   INTEGER,
  detail     TEXT,
  UNIQUE (tenant_id, device_id, boot, reason)
) STRICT;

-- The P-256 key that networks are sealed for, as the device said it last.
ALTER TABLE device_states ADD COLUMN seal_key TEXT;
