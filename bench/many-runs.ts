import type pg from 'pg';
import { systemClock } from '../engine/base/clock.ts';
import { createPostgresStore } from '../engine/stores/postgres.ts';

export interface ManyRuns {
  readonly pipelines: number;
  readonly runs: number;
  readonly events: number;
}

/** The names of the pipelines, each with a table of the same name. */
export function namesOf(pipelines: number): readonly string[] {
  return Array.from({ length: pipelines }, (_, i) => `p${String(i).padStart(4, '0')}`);
}

/** The run with that number, from 1. */
export function runIdOf(number: number): string {
  return `RUN${String(number).padStart(23, '0')}`;
}

/** A project of so many pipelines with a table each, that fire once a day, and not within the next hours. */
export function projectOf(pipelines: number): string {
  const names = namesOf(pipelines);
  const hour = (new Date().getUTCHours() + 12) % 24;
  return `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: .engine/lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
state: { url: "\${STATE_URL}", retention: { olderThan: 365d } }
defaults: { key: id, cursor: updated_at, schedule: "0 ${hour} * * *" }
tables:
${names.map((name) => `  ${name}: {}`).join('\n')}
pipelines:
${names.map((name) => `  ${name}: { mode: incremental, tables: [${name}] }`).join('\n')}
`;
}

/** Fills an empty store as runs of the last thirty days would have: an extract, a load and a build in each, one in fifty failed. */
export async function fillStore(connect: () => Promise<pg.Client>, { pipelines, runs, events }: ManyRuns): Promise<void> {
  const store = createPostgresStore({ connect, schema: 'engine', clock: systemClock });
  await store.migrate();
  await store.close();
  const client = await connect();
  const each = Math.floor(events / runs);
  await client.query('SET search_path = engine');
  await client.query(
    `INSERT INTO runs (run_id, pipeline, mode, state, started_at, ended_at, host, pid, trigger, scheduled_at)
     SELECT 'RUN' || lpad(g::text, 23, '0'), 'p' || lpad((g % $1)::text, 4, '0'), 'incremental', CASE WHEN g % 50 = 0 THEN 'failed' ELSE 'succeeded' END,
            at, at + interval '6 seconds', 'host', 1, 'schedule', date_trunc('minute', at)
     FROM generate_series(1, $2::integer) g, LATERAL (SELECT now() - ($2 - g) * interval '30 days' / $2 AS at) t`,
    [pipelines, runs],
  );
  await client.query(
    `INSERT INTO nodes (run_id, node, pipeline, type, table_name, state, attempts, started_at, ended_at, rows, bytes, lake_version, result)
     SELECT run_id, verb || ' ' || pipeline, pipeline, 'postgres.' || verb, pipeline, CASE verb WHEN 'load' THEN state ELSE 'succeeded' END, 1,
            started_at + CASE verb WHEN 'load' THEN interval '2 seconds' ELSE '0' END, started_at + CASE verb WHEN 'load' THEN interval '4 seconds' ELSE '2 seconds' END, 1000, 60000,
            row_number() OVER (PARTITION BY pipeline, verb ORDER BY started_at),
            json_build_object('summary', '1,000 rows', 'rows', 1000, 'facts', json_build_object('fence', started_at, 'heldBy', null))
     FROM runs, unnest(ARRAY['extract', 'load']) verb`,
  );
  await client.query(
    `INSERT INTO nodes (run_id, node, pipeline, type, state, attempts, started_at, ended_at, result)
     SELECT run_id, 'dbt', pipeline, 'dbt.build', CASE state WHEN 'failed' THEN 'skipped' ELSE state END, 1, started_at + interval '4 seconds', ended_at,
            json_build_object('summary', '1 model', 'facts', json_build_object('models', 1)) FROM runs`,
  );
  await client.query(
    `UPDATE nodes l SET built_at = b.started_at FROM nodes b WHERE b.run_id = l.run_id AND b.node = 'dbt' AND b.state = 'succeeded' AND l.verb = 'load'`,
  );
  await client.query(
    `INSERT INTO events (run_id, seq, at, type, event)
     SELECT run_id, s, started_at + s * interval '100 ms', CASE WHEN s = 1 THEN 'run.started' WHEN s = $1 THEN 'run.' || state ELSE 'log' END,
       CASE WHEN s = 1 THEN json_build_object('seq', s, 'at', started_at, 'runId', run_id, 'type', 'run.started', 'pipeline', pipeline, 'mode', mode, 'trigger', 'schedule',
              'nodes', json_build_array(json_build_object('id', 'extract ' || pipeline, 'type', 'postgres.extract', 'table', pipeline, 'unit', 'extract ' || pipeline, 'needs', '[]'::json),
                                        json_build_object('id', 'load ' || pipeline, 'type', 'postgres.load', 'table', pipeline, 'unit', 'load ' || pipeline, 'needs', json_build_array('extract ' || pipeline))),
              'engine', '0.1.0', 'host', 'host', 'pid', 1, 'request', json_build_object('pipeline', pipeline))
            WHEN s = $1 THEN json_build_object('seq', s, 'at', ended_at, 'runId', run_id, 'type', 'run.' || state, 'error', json_build_object('code', 'x', 'trouble', 'failed', 'message', 'a failure', 'retryable', false))
            ELSE json_build_object('seq', s, 'at', started_at, 'runId', run_id, 'type', 'log', 'node', 'extract ' || pipeline, 'level', 'info', 'text', 'line ' || s || ' of what an extract has to say') END
     FROM runs, generate_series(1, $1::integer) s`,
    [each],
  );
  await client.query(
    `INSERT INTO actions (at, who, came_from, action, subject, outcome)
     SELECT started_at, 'anna', '10.0.0.7', 'trigger', pipeline, 'run ' || run_id FROM runs ORDER BY started_at DESC LIMIT 5000`,
  );
  await client.query(
    `INSERT INTO incidents (id, key, problem, opened_at, closed_at)
     SELECT run_id, 'failed:' || pipeline, json_build_object('key', 'failed:' || pipeline, 'kind', 'failed', 'severity', 'error', 'pipeline', pipeline, 'runId', run_id, 'since', ended_at,
              'text', 'run ' || run_id || ' failed: a failure', 'hint', 'engine logs shows what happened'), ended_at, ended_at + interval '1 minute'
     FROM runs WHERE state = 'failed'`,
  );
  await client.query('VACUUM ANALYZE');
  await client.end();
}

/** Takes out of a filled store what `recordRun` put there. */
export async function forgetRecorded(connect: () => Promise<pg.Client>): Promise<void> {
  const client = await connect();
  await client.query('SET search_path = engine');
  for (const table of ['events', 'nodes', 'runs']) await client.query(`DELETE FROM ${table} WHERE run_id LIKE 'RUN-%'`);
  await client.query('VACUUM ANALYZE');
  await client.end();
}

/** Records one more run as it would have been by now: its events, so many of them, with all that a store keeps beside. */
export async function recordRun(client: pg.Client, runId: string, pipeline: string, events: number): Promise<void> {
  await client.query(
    `INSERT INTO engine.runs (run_id, pipeline, mode, state, started_at, ended_at, host, pid, trigger)
     VALUES ($1, $2, 'incremental', 'succeeded', now() - interval '2 seconds', now(), 'host', 1, 'schedule')`,
    [runId, pipeline],
  );
  await client.query(
    `INSERT INTO engine.nodes (run_id, node, pipeline, type, table_name, state, attempts, started_at, ended_at, rows, bytes, lake_version, result)
     SELECT $1, verb || ' ' || $2::text, $2, 'postgres.' || verb, $2, 'succeeded', 1, now() - interval '1 second', now(), 1000, 60000,
            (SELECT coalesce(max(lake_version), 0) + 1 FROM engine.nodes WHERE pipeline = $2),
            json_build_object('summary', '1,000 rows', 'rows', 1000, 'facts', json_build_object('fence', now(), 'heldBy', null))
     FROM unnest(ARRAY['extract', 'load']) verb`,
    [runId, pipeline],
  );
  await client.query(
    `INSERT INTO engine.events (run_id, seq, at, type, event)
     SELECT $1, s, now(), CASE WHEN s = 1 THEN 'run.started' WHEN s = $3 THEN 'run.succeeded' ELSE 'log' END,
       CASE WHEN s = 1 THEN json_build_object('seq', s, 'at', now(), 'runId', $1::text, 'type', 'run.started', 'pipeline', $2::text, 'mode', 'incremental', 'trigger', 'schedule',
              'nodes', json_build_array(json_build_object('id', 'extract ' || $2::text, 'type', 'postgres.extract', 'table', $2::text, 'unit', 'extract ' || $2::text, 'needs', '[]'::json)),
              'engine', '0.1.0', 'host', 'host', 'pid', 1, 'request', json_build_object('pipeline', $2::text))
            WHEN s = $3 THEN json_build_object('seq', s, 'at', now(), 'runId', $1::text, 'type', 'run.succeeded')
            ELSE json_build_object('seq', s, 'at', now(), 'runId', $1::text, 'type', 'log', 'node', 'extract ' || $2::text, 'level', 'info', 'text', 'line ' || s || ' of what an extract has to say') END
     FROM generate_series(1, $3::integer) s`,
    [runId, pipeline, events + 2],
  );
}
