-- Runs, what happened in them, and who holds what. Names are found in the store's own schema.

CREATE TABLE runs (
  run_id text PRIMARY KEY,
  pipeline text NOT NULL,
  mode text NOT NULL,
  state text NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  host text NOT NULL,
  pid integer NOT NULL,
  retry_of text,
  cancel_requested_by text,
  cancel_requested_at timestamptz
);

CREATE INDEX runs_started_at ON runs (started_at DESC, run_id DESC);
CREATE INDEX runs_running ON runs (run_id) WHERE state = 'running';

-- json, not jsonb: an event comes back as it was written, and texts may hold what jsonb refuses (a NUL).
CREATE TABLE events (
  run_id text NOT NULL REFERENCES runs ON DELETE CASCADE,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  type text NOT NULL,
  event json NOT NULL,
  PRIMARY KEY (run_id, seq)
);

-- A row stays when its lease is given back, so that the token only rises.
CREATE TABLE leases (
  name text PRIMARY KEY,
  token bigint NOT NULL,
  run_id text,
  host text,
  pid integer,
  since timestamptz
);
