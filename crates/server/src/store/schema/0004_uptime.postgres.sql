-- How long devices were on, and what they said last.

-- All that was heard of one session, as maxima (`server::uptime::Evidence`).
CREATE TABLE uptime_sessions (
  tenant_id            TEXT    NOT NULL REFERENCES tenants (id),
  device_id            TEXT    NOT NULL REFERENCES devices (id),
  session_key          TEXT    COLLATE "C" NOT NULL,       -- `b:<boot epoch>:<boot number>` or `s:<start>`
  start_revision       BIGINT,                -- the start that is believed; all four NULL while there is none
  start_run_s          BIGINT,
  start_update_at      BIGINT,                -- may be NULL for itself
  start_at             BIGINT,
  longest_s            BIGINT,                -- the longest run that was plausible when it came
  longest_update_at    BIGINT,
  longest_received_at  BIGINT,
  status               TEXT,
  suspect_s            BIGINT,                -- the greatest run that was not
  suspect_reason       TEXT,
  placed_from          BIGINT,                -- where the believed run lies; NULL while that is not known
  placed_to            BIGINT,
  listed_at            BIGINT NOT NULL,       -- placed_from, or when the session was first heard of
  changed_at           BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, device_id, session_key)
);
CREATE INDEX uptime_sessions_newest ON uptime_sessions (tenant_id, device_id, listed_at, session_key);
CREATE INDEX uptime_sessions_placed ON uptime_sessions (tenant_id, device_id, placed_from, placed_to, session_key);

-- Kept by differences, never counted.
CREATE TABLE uptime_totals (
  tenant_id    TEXT    NOT NULL REFERENCES tenants (id),
  device_id    TEXT    NOT NULL REFERENCES devices (id),
  counted_us   BIGINT NOT NULL,               -- length of the union
  claimed_us   BIGINT NOT NULL,               -- sum of the lengths
  unplaced_s   BIGINT NOT NULL,               -- of sessions without a start
  sessions     BIGINT NOT NULL,
  suspects     BIGINT NOT NULL,               -- sessions with a run that is not counted
  longest_us   BIGINT NOT NULL,               -- no placed session was ever longer: how far back a neighbour can begin
  PRIMARY KEY (tenant_id, device_id)
);

-- Names that a device has for itself beside its id.
CREATE TABLE device_aliases (
  tenant_id  TEXT    NOT NULL REFERENCES tenants (id),
  alias      TEXT    NOT NULL,
  device_id  TEXT    NOT NULL REFERENCES devices (id),
  noted_at   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, alias)
);
CREATE INDEX device_aliases_by_device ON device_aliases (tenant_id, device_id);

CREATE TABLE device_states (
  tenant_id  TEXT    NOT NULL REFERENCES tenants (id),
  device_id  TEXT    NOT NULL REFERENCES devices (id),
  data_at    BIGINT,                          -- when something new last came from it
  ping       TEXT,                             -- JSON, as the device said it last
  ping_at    BIGINT,
  PRIMARY KEY (tenant_id, device_id)
);

ALTER TABLE uptime_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE uptime_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON uptime_sessions
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));

ALTER TABLE uptime_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE uptime_totals FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON uptime_totals
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));

ALTER TABLE device_aliases ENABLE ROW LEVEL SECURITY;
ALTER TABLE device_aliases FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON device_aliases
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));

ALTER TABLE device_states ENABLE ROW LEVEL SECURITY;
ALTER TABLE device_states FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON device_states
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));
