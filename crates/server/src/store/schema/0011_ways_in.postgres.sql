-- Links for a new password, sent by mail; a used one is gone.
CREATE TABLE password_resets (
  token_sha256  TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
  user_id       TEXT    NOT NULL REFERENCES users (id),
  created_at    BIGINT NOT NULL,
  expires_at    BIGINT NOT NULL
);
CREATE INDEX password_resets_by_user ON password_resets (user_id, created_at);

-- People as another service knows them.
CREATE TABLE vouched_identities (
  issuer      TEXT    NOT NULL,
  subject     TEXT    NOT NULL,
  user_id     TEXT    NOT NULL REFERENCES users (id),
  created_at  BIGINT NOT NULL,
  PRIMARY KEY (issuer, subject)
);
