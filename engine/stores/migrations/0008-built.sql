-- When dbt began to build from what a load had brought, in the same run: of loads whose build succeeded. What staging held then is in analytics.
ALTER TABLE nodes ADD COLUMN built_at timestamptz;

CREATE INDEX nodes_built ON nodes (table_name, built_at DESC) WHERE built_at IS NOT NULL;

UPDATE nodes l SET built_at = b.started_at
FROM nodes b
WHERE b.run_id = l.run_id AND b.verb = 'build' AND b.state = 'succeeded' AND b.kept_from IS NULL AND l.verb = 'load' AND l.state = 'succeeded';

CREATE FUNCTION mark_built() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE nodes SET built_at = NEW.started_at WHERE run_id = NEW.run_id AND verb = 'load' AND state = 'succeeded';
  RETURN NULL;
END $$;

CREATE TRIGGER mark_built AFTER UPDATE OF ended_at ON nodes
FOR EACH ROW WHEN (NEW.verb = 'build' AND NEW.state = 'succeeded' AND NEW.kept_from IS NULL) EXECUTE FUNCTION mark_built();
