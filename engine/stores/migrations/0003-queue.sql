-- What a daemon is to start, and what it decided about each time at which a schedule was due. A run takes its entry in the transaction of its first event.
CREATE TABLE queue (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pipeline text NOT NULL,
  kind text NOT NULL,
  scheduled_at timestamptz,
  retry_of text,
  request json NOT NULL,
  asked_by text NOT NULL,
  state text NOT NULL,
  reason text,
  run_id text,
  noted_at timestamptz NOT NULL
);

-- A time fires once, and a run is gone on with once, whoever asks and however often.
CREATE UNIQUE INDEX queue_fires ON queue (pipeline, scheduled_at) WHERE kind = 'fire';
CREATE UNIQUE INDEX queue_resumes ON queue (retry_of) WHERE kind = 'resume';
CREATE INDEX queue_waiting ON queue (id) WHERE state = 'queued';
CREATE INDEX queue_noted_at ON queue (noted_at);

-- Up to when the times of a pipeline's schedules have been decided about, and what its schedules were then.
CREATE TABLE schedules (
  pipeline text PRIMARY KEY,
  schedules json NOT NULL,
  seen_until timestamptz NOT NULL
);

CREATE TABLE pauses (
  pipeline text PRIMARY KEY,
  paused_by text NOT NULL,
  paused_at timestamptz NOT NULL
);

ALTER TABLE runs ADD COLUMN trigger text;
ALTER TABLE runs ADD COLUMN scheduled_at timestamptz;
CREATE INDEX runs_pipeline ON runs (pipeline, started_at DESC);
