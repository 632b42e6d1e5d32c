-- The team that a sign-in acts for. NULL, or a team that the person has left: the one they joined first.
ALTER TABLE web_sessions ADD COLUMN acting_tenant TEXT;

-- One waits for an address at a time; one that was accepted or withdrawn is gone.
CREATE TABLE invitations (
  id            TEXT    NOT NULL PRIMARY KEY,
  tenant_id     TEXT    NOT NULL REFERENCES tenants (id),
  email         TEXT    NOT NULL,              -- lower case
  role          TEXT    NOT NULL CHECK (role IN ('owner', 'member', 'viewer')),
  token_sha256  TEXT    NOT NULL UNIQUE,
  created_by    TEXT    NOT NULL REFERENCES users (id),
  created_at    INTEGER NOT NULL,
  expires_at    INTEGER NOT NULL,
  UNIQUE (tenant_id, email)
) STRICT;

-- A person's tokens for their scripts; one that was revoked is gone.
CREATE TABLE api_tokens (
  id            TEXT    NOT NULL PRIMARY KEY,
  tenant_id     TEXT    NOT NULL REFERENCES tenants (id),
  user_id       TEXT    NOT NULL REFERENCES users (id),
  name          TEXT    NOT NULL,
  access        TEXT    NOT NULL CHECK (access IN ('read', 'write')),
  token_sha256  TEXT    NOT NULL UNIQUE,
  created_at    INTEGER NOT NULL,
  expires_at    INTEGER,                       -- NULL: does not end by itself
  last_used_at  INTEGER
) STRICT;
CREATE INDEX api_tokens_by_user ON api_tokens (tenant_id, user_id);

-- Links that show one session; one that was revoked is gone.
CREATE TABLE share_links (
  id            TEXT    NOT NULL PRIMARY KEY,
  tenant_id     TEXT    NOT NULL REFERENCES tenants (id),
  session_id    TEXT    NOT NULL REFERENCES sessions (id),
  token_sha256  TEXT    NOT NULL UNIQUE,
  created_by    TEXT    NOT NULL REFERENCES users (id),
  created_at    INTEGER NOT NULL,
  expires_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX share_links_by_session ON share_links (tenant_id, session_id);
