-- Problems from their beginning to their end. One is open for each key at the most.
CREATE TABLE incidents (
  id text PRIMARY KEY,
  key text NOT NULL,
  -- json, not text: what failed may hold what text refuses.
  problem json NOT NULL,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz
);

CREATE UNIQUE INDEX incidents_open ON incidents (key) WHERE closed_at IS NULL;
CREATE INDEX incidents_opened_at ON incidents (opened_at DESC);
CREATE INDEX incidents_closed_at ON incidents (closed_at) WHERE closed_at IS NOT NULL;

-- What is told of them, to whom, and whether it was.
CREATE TABLE deliveries (
  incident text NOT NULL REFERENCES incidents ON DELETE CASCADE,
  event text NOT NULL,
  channel text NOT NULL,
  state text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  sent_at timestamptz,
  error text,
  PRIMARY KEY (incident, event, channel)
);

CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'due';

CREATE INDEX queue_of_pipeline ON queue (pipeline, id DESC);
CREATE INDEX queue_left_out ON queue (pipeline, id DESC) WHERE state IN ('skipped', 'failed');
CREATE INDEX queue_run ON queue (run_id) WHERE run_id IS NOT NULL;
