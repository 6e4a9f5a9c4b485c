-- What all runs of this store have done since it was made, those that have been removed since included: counters for monitoring, which must only rise, the same whoever is asked. Counted by triggers, in the
-- transaction of what is counted: a run and a node end once, whatever is written about them later, and however often.
CREATE TABLE run_totals (
  pipeline text NOT NULL,
  state text NOT NULL,
  runs bigint NOT NULL,
  seconds double precision NOT NULL,
  -- How many took at most 1 s, 5 s, 15 s ...: see run_bucket; each run in one of them.
  buckets bigint[] NOT NULL,
  last_ended_at timestamptz NOT NULL,
  PRIMARY KEY (pipeline, state)
);

-- `table_name` is empty for nodes of a whole pipeline.
CREATE TABLE node_totals (
  pipeline text NOT NULL,
  table_name text NOT NULL,
  type text NOT NULL,
  rows bigint NOT NULL,
  bytes bigint NOT NULL,
  retries bigint NOT NULL,
  failures bigint NOT NULL,
  PRIMARY KEY (pipeline, table_name, type)
);

CREATE FUNCTION run_bucket(seconds double precision) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT 1 + count(*)::integer FROM unnest(ARRAY[1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200]) AS edge WHERE seconds > edge
$$;

INSERT INTO run_totals
SELECT pipeline, state, sum(runs), sum(seconds), array_agg(runs ORDER BY bucket), max(last_ended_at)
FROM (
  SELECT p.pipeline, p.state, b AS bucket, count(r.run_id) AS runs, coalesce(sum(r.seconds), 0) AS seconds, max(r.ended_at) AS last_ended_at
  FROM (SELECT DISTINCT pipeline, state FROM runs WHERE ended_at IS NOT NULL) p
  CROSS JOIN generate_series(1, 14) b
  LEFT JOIN (
    SELECT run_id, pipeline, state, ended_at, greatest(extract(epoch FROM ended_at - started_at), 0) AS seconds FROM runs WHERE ended_at IS NOT NULL
  ) r ON r.pipeline = p.pipeline AND r.state = p.state AND run_bucket(r.seconds) = b
  GROUP BY 1, 2, 3
) counted
GROUP BY pipeline, state;

INSERT INTO node_totals
SELECT pipeline, coalesce(table_name, ''), type,
  coalesce(sum(rows) FILTER (WHERE state = 'succeeded'), 0), coalesce(sum(bytes) FILTER (WHERE state = 'succeeded'), 0),
  sum(greatest(attempts - 1, 0)), count(*) FILTER (WHERE state = 'failed')
FROM nodes WHERE ended_at IS NOT NULL AND kept_from IS NULL GROUP BY 1, 2, 3;

CREATE FUNCTION count_run() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  took double precision := greatest(extract(epoch FROM NEW.ended_at - NEW.started_at), 0);
  bucket integer := run_bucket(took);
BEGIN
  INSERT INTO run_totals AS t VALUES (
    NEW.pipeline, NEW.state, 1, took, (SELECT array_agg((b = bucket)::integer::bigint ORDER BY b) FROM generate_series(1, 14) b), NEW.ended_at
  )
  ON CONFLICT (pipeline, state) DO UPDATE SET
    runs = t.runs + 1, seconds = t.seconds + took, buckets[bucket] = t.buckets[bucket] + 1, last_ended_at = greatest(t.last_ended_at, NEW.ended_at);
  RETURN NULL;
END $$;

CREATE FUNCTION count_node() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  did integer := (NEW.state = 'succeeded')::integer;
BEGIN
  INSERT INTO node_totals AS t VALUES (
    NEW.pipeline, coalesce(NEW.table_name, ''), NEW.type,
    did * coalesce(NEW.rows, 0), did * coalesce(NEW.bytes, 0), greatest(NEW.attempts - 1, 0), (NEW.state = 'failed')::integer
  )
  ON CONFLICT (pipeline, table_name, type) DO UPDATE SET
    rows = t.rows + excluded.rows, bytes = t.bytes + excluded.bytes, retries = t.retries + excluded.retries, failures = t.failures + excluded.failures;
  RETURN NULL;
END $$;

CREATE TRIGGER count_run AFTER UPDATE OF ended_at ON runs
FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION count_run();

CREATE TRIGGER count_node AFTER UPDATE OF ended_at ON nodes
FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND NEW.kept_from IS NULL) EXECUTE FUNCTION count_node();
