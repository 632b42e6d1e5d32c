-- How long devices were on, and what they said last.

-- All that was heard of one session, as maxima (`server::uptime::Evidence`).
CREATE TABLE uptime_sessions (
  tenant_id            TEXT    NOT NULL REFERENCES tenants (id),
  device_id            TEXT    NOT NULL REFERENCES devices (id),
  session_key          TEXT    NOT NULL,       -- `b:<boot epoch>:<boot number>` or `s:<start>`
  start_revision       INTEGER,                -- the start that is believed; all four NULL while there is none
  start_run_s          INTEGER,
  start_update_at      INTEGER,                -- may be NULL for itself
  start_at             INTEGER,
  longest_s            INTEGER,                -- the longest run that was plausible when it came
  longest_update_at    INTEGER,
  longest_received_at  INTEGER,
  status               TEXT,
  suspect_s            INTEGER,                -- the greatest run that was not
  suspect_reason       TEXT,
  placed_from          INTEGER,                -- where the believed run lies; NULL while that is not known
  placed_to            INTEGER,
  listed_at            INTEGER NOT NULL,       -- placed_from, or when the session was first heard of
  changed_at           INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, device_id, session_key)
) STRICT;
CREATE INDEX uptime_sessions_newest ON uptime_sessions (tenant_id, device_id, listed_at, session_key);
CREATE INDEX uptime_sessions_placed ON uptime_sessions (tenant_id, device_id, placed_from, placed_to, session_key);

-- Kept by differences, never counted.
CREATE TABLE uptime_totals (
  tenant_id    TEXT    NOT NULL REFERENCES tenants (id),
  device_id    TEXT    NOT NULL REFERENCES devices (id),
  counted_us   INTEGER NOT NULL,               -- length of the union
  claimed_us   INTEGER NOT NULL,               -- sum of the lengths
  unplaced_s   INTEGER NOT NULL,               -- of sessions without a start
  sessions     INTEGER NOT NULL,
  suspects     INTEGER NOT NULL,               -- sessions with a run that is not counted
  longest_us   INTEGER NOT NULL,               -- no placed session was ever longer: how far back a neighbour can begin
  PRIMARY KEY (tenant_id, device_id)
) STRICT;

-- Names that a device has for itself beside its id.
CREATE TABLE device_aliases (
  tenant_id  TEXT    NOT NULL REFERENCES tenants (id),
  alias      TEXT    NOT NULL,
  device_id  TEXT    NOT NULL REFERENCES devices (id),
  noted_at   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, alias)
) STRICT;
CREATE INDEX device_aliases_by_device ON device_aliases (tenant_id, device_id);

CREATE TABLE device_states (
  tenant_id  TEXT    NOT NULL REFERENCES tenants (id),
  device_id  TEXT    NOT NULL REFERENCES devices (id),
  data_at    INTEGER,                          -- when something new last came from it
  ping       TEXT,                             -- JSON, as the device said it last
  ping_at    INTEGER,
  PRIMARY KEY (tenant_id, device_id)
) STRICT;
