-- Who may use the API from another machine. Of a secret only its SHA-256 is kept.
CREATE TABLE tokens (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE,
  hash text NOT NULL,
  created_at timestamptz NOT NULL,
  used_at timestamptz
);

CREATE TABLE sessions (
  id text PRIMARY KEY,
  token_id text NOT NULL REFERENCES tokens ON DELETE CASCADE,
  hash text NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE INDEX sessions_token ON sessions (token_id);

-- What somebody did, or tried. Kept without a reference: it outlives tokens, runs and pipelines.
CREATE TABLE actions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  who text NOT NULL,
  came_from text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  outcome text NOT NULL
);

-- The runs that go on from one.
CREATE INDEX runs_retry_of ON runs (retry_of) WHERE retry_of IS NOT NULL;
