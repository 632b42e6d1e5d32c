-- The team that a sign-in acts for. NULL, or a team that the person has left: the one they joined first.
ALTER TABLE web_sessions ADD COLUMN acting_tenant TEXT;

-- One waits for an address at a time; one that was accepted or withdrawn is gone.
CREATE TABLE invitations (
  id            TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id     TEXT    NOT NULL REFERENCES tenants (id),
  email         TEXT    NOT NULL,              -- lower case
  role          TEXT    NOT NULL CHECK (role IN ('owner', 'member', 'viewer')),
  token_sha256  TEXT    NOT NULL UNIQUE,
  created_by    TEXT    NOT NULL REFERENCES users (id),
  created_at    BIGINT NOT NULL,
  expires_at    BIGINT NOT NULL,
  UNIQUE (tenant_id, email)
);

ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitations FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON invitations
  USING (current_setting('fieldpost.tenant', true) IN (tenant_id, '*'));
