-- What became of each node of each run, so that questions about many runs read no events. `verb` is what comes after the system: extract, load, build.
CREATE TABLE nodes (
  run_id text NOT NULL REFERENCES runs ON DELETE CASCADE,
  node text NOT NULL,
  pipeline text NOT NULL,
  type text NOT NULL,
  verb text NOT NULL GENERATED ALWAYS AS (split_part(type, '.', 2)) STORED,
  table_name text,
  state text NOT NULL,
  -- The run in which it was done, when this one did not do it again.
  kept_from text,
  attempts integer NOT NULL DEFAULT 0,
  started_at timestamptz,
  ended_at timestamptz,
  rows bigint,
  bytes bigint,
  -- Of an extract the version that it wrote to the lake, of a load the newest one that is in staging.
  lake_version bigint,
  -- json, not jsonb, and never looked into by a statement: a summary may hold what text refuses (a NUL).
  result json,
  PRIMARY KEY (run_id, node)
);

CREATE INDEX nodes_of_table ON nodes (table_name, verb, ended_at DESC) WHERE state = 'succeeded' AND kept_from IS NULL;
CREATE INDEX nodes_loaded ON nodes (ended_at) INCLUDE (pipeline, rows) WHERE verb = 'load' AND state = 'succeeded';
CREATE INDEX nodes_table_runs ON nodes (table_name, run_id DESC);
CREATE INDEX runs_interrupted ON runs (ended_at) WHERE state = 'interrupted';
CREATE INDEX runs_ended_at ON runs (ended_at DESC) WHERE ended_at IS NOT NULL;

-- Runs from before this table. An escape that text refuses fails even where it is not asked for: those become letters. (What follows an escaped backslash stays JSON too.)
CREATE TABLE told AS
SELECT run_id, at, seq, type, regexp_replace(event::text, '\\u(0000|d[89a-f][0-9a-f]{2})', 'ufffd', 'gi')::json AS event
FROM events WHERE type = 'run.started' OR type LIKE 'node.%' AND type <> 'node.progress';

INSERT INTO nodes (run_id, node, pipeline, type, table_name, state)
SELECT t.run_id, n ->> 'id', r.pipeline, n ->> 'type', n ->> 'table', 'queued'
FROM told t JOIN runs r USING (run_id), json_array_elements(t.event -> 'nodes') n
WHERE t.type = 'run.started';

UPDATE nodes SET attempts = s.attempts, started_at = s.started_at, state = 'running'
FROM (
  SELECT run_id, event ->> 'node' AS node, max((event ->> 'attempt')::integer) AS attempts, min(at) AS started_at
  FROM told WHERE type = 'node.started' GROUP BY 1, 2
) s
WHERE s.run_id = nodes.run_id AND s.node = nodes.node;

UPDATE nodes SET
  state = CASE t.type WHEN 'node.kept' THEN 'succeeded' ELSE substr(t.type, 6) END,
  kept_from = t.event ->> 'fromRun',
  ended_at = t.at,
  rows = (t.event -> 'result' ->> 'rows')::bigint,
  bytes = (t.event -> 'result' ->> 'bytes')::bigint,
  lake_version = (t.event -> 'result' -> 'facts' ->> CASE nodes.verb WHEN 'extract' THEN 'version' WHEN 'load' THEN 'lakeVersion' END)::bigint,
  result = t.event -> 'result'
FROM told t
WHERE t.type IN ('node.succeeded', 'node.failed', 'node.skipped', 'node.cancelled', 'node.kept')
  AND t.run_id = nodes.run_id AND t.event ->> 'node' = nodes.node;

UPDATE nodes SET state = r.state, ended_at = r.ended_at
FROM runs r
WHERE r.run_id = nodes.run_id AND r.state IN ('cancelled', 'interrupted') AND nodes.state IN ('queued', 'running', 'retrying');

DROP TABLE told;
