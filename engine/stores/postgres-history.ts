import type { Knex } from 'knex';
import type { JsonObject } from '../base/json.ts';
import type { Event, NodeResult } from '../event.ts';
import type { History, NodeRecord, NodeTotals, PipelineHistory, RunNode, RunTotals, TableHistory } from '../history.ts';
import type { NodeState, RunRecord, RunState } from '../run.ts';
import { type RunRow, runRecord } from './run-row.ts';

interface NodeRow {
  readonly run_id: string;
  readonly pipeline: string;
  readonly node: string;
  readonly type: string;
  readonly table_name: string | null;
  readonly state: NodeState;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly attempts: number;
  readonly rows: string | null;
  readonly bytes: string | null;
  readonly result: NodeResult | null;
  readonly built_at: Date | null;
}

interface NewestRow extends NodeRow {
  readonly name: string;
  readonly part: NewestPart;
}
type NewestPart = 'extract' | 'load' | 'loaded' | 'build' | 'built';

interface RunNodeRow extends Pick<NodeRow, 'run_id' | 'node' | 'type' | 'table_name' | 'state' | 'attempts' | 'rows'> {
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly kept_from: string | null;
}

interface RunTotalsRow {
  readonly pipeline: string;
  readonly state: RunState;
  readonly runs: string;
  readonly seconds: number;
  readonly buckets: readonly string[];
  readonly last_ended_at: Date;
}

interface NodeTotalsRow {
  readonly pipeline: string;
  readonly table_name: string;
  readonly type: string;
  readonly rows: string;
  readonly bytes: string;
  readonly retries: string;
  readonly failures: string;
}

/** What was decided about times is kept for so long in any case. */
const decidedKeptMs = 2 * 86_400_000;

/** The contract of `History` on the store's schema. `known` turns the database's errors into the engine's. */
export function createPostgresHistory(db: Knex, schema: string, known: <T>(work: () => Promise<T>) => Promise<T>): History {
  /** In the statement `:s:` is the schema, `:name` a value. */
  const ask = async <T>(sql: string, values: Readonly<Record<string, string | number | readonly string[]>> = {}): Promise<readonly T[]> => {
    const { rows }: { readonly rows: readonly T[] } = await db.raw(sql, { s: schema, ...(values as Record<string, string>) });
    return rows;
  };
  return {
    pipelines: (names, { runs, sinceMs }) =>
      known(async () => {
        const newest = await ask<RunRow<string>>(newestRuns, { names, runs });
        const loaded = await ask<{ readonly pipeline: string; readonly rows: string }>(rowsLoaded, {
          since: new Date(sinceMs).toISOString(),
        });
        const rows = new Map(loaded.map((row) => [row.pipeline, Number(row.rows)]));
        const records = recordsByPipeline(newest);
        return new Map(names.map((name) => [name, pipelineHistory(name, records.get(name) ?? [], rows.get(name) ?? 0)]));
      }),
    tables: (names) =>
      known(async () => {
        const rows = new Map<string, NodeRow>();
        for (const row of await ask<NewestRow>(newestOfTables, { names })) rows.set(`${row.part} ${row.name}`, row);
        return new Map(names.map((name): [string, TableHistory] => [name, tableHistory(name, (part) => rows.get(`${part} ${name}`))]));
      }),
    totals: () =>
      known(async () => {
        const runs = await ask<RunTotalsRow>('SELECT * FROM :s:.run_totals ORDER BY pipeline, state');
        const nodes = await ask<NodeTotalsRow>('SELECT * FROM :s:.node_totals ORDER BY pipeline, table_name, type');
        return { runs: runs.map(runTotals), nodes: nodes.map(nodeTotals) };
      }),
    tableNodes: (table, limit) =>
      known(async () => {
        const rows = await ask<NodeRow>('SELECT * FROM :s:.nodes WHERE table_name = :table ORDER BY run_id DESC, node LIMIT :limit', {
          table,
          limit,
        });
        return rows.map(nodeRecord);
      }),
    runNodes: (runIds) =>
      known(async () => (runIds.length === 0 ? [] : (await ask<RunNodeRow>(nodesOfRuns, { runs: runIds })).map(runNode))),
    tableLoads: (table, limit) =>
      known(async () => {
        const rows = await ask<NodeRow & { readonly extracted: NodeResult | null }>(loadsOfTable, { table, limit });
        return rows.map((row) => ({ ...nodeRecord(row), readAt: committedBy(row.extracted ?? undefined) }));
      }),
    runs: ({ pipeline, states, table, retryOf, idPart, beforeRunId, limit }) =>
      known(async () => {
        const found = db
          .withSchema(schema)
          .table('runs')
          .select<RunRow[]>()
          .orderBy('started_at', 'desc')
          .orderBy('run_id', 'desc')
          .limit(limit);
        if (pipeline !== undefined) found.where({ pipeline });
        if (retryOf !== undefined) found.where({ retry_of: retryOf });
        if (idPart !== undefined) found.whereRaw('position(upper(?) IN upper(run_id)) > 0', [idPart]);
        if (states !== undefined) found.whereIn('state', [...states]);
        if (table !== undefined)
          found.whereIn('run_id', db.withSchema(schema).table('nodes').where({ table_name: table }).select('run_id'));
        if (beforeRunId !== undefined)
          found.whereRaw('(started_at, run_id) < (SELECT b.started_at, b.run_id FROM ??.runs b WHERE b.run_id = ?)', [schema, beforeRunId]);
        return ((await found) as readonly RunRow[]).map(runRecord);
      }),
    events: ({ runId, afterSeq = 0, types, limit }) =>
      known(async () => {
        const found = db
          .withSchema(schema)
          .table('events')
          .where({ run_id: runId })
          .where('seq', '>', afterSeq)
          .orderBy('seq')
          .limit(limit)
          .select('event');
        if (types !== undefined) found.whereIn('type', [...types]);
        return ((await found) as readonly { readonly event: Event }[]).map((row) => row.event);
      }),
    bytes: () =>
      known(async () => {
        const { rows }: { readonly rows: readonly { readonly bytes: string }[] } = await db.raw(bytesOf, { schema });
        return Number(rows[0]?.bytes ?? 0);
      }),
    stamp: () =>
      known(async () => {
        const [row] = await ask<{ readonly stamp: string }>(stampOf);
        return row?.stamp ?? '';
      }),
    prune: ({ olderThanMs, keepRuns }, nowMs, limit) =>
      known(async () => {
        const before = new Date(nowMs - olderThanMs).toISOString();
        const removed = await ask<{ readonly run_id: string }>(pruneRuns, { before, keep: keepRuns, limit });
        // A clock that is set back, and a run that died, may ask about what was decided lately.
        const decided = new Date(nowMs - Math.max(olderThanMs, decidedKeptMs)).toISOString();
        await ask(pruneQueue, { before: decided, limit });
        return removed.length;
      }),
  };
}

/** Made by the server: to read thousands of times into dates and write them again takes longer than the query. */
const iso = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const newestRuns = `
SELECT run_id, pipeline, mode, state, ${iso('started_at')} AS started_at, ${iso('ended_at')} AS ended_at, host, pid, retry_of, trigger, ${iso('scheduled_at')} AS scheduled_at
FROM unnest(CAST(:names AS text[])) AS asked (name),
LATERAL (SELECT * FROM :s:.runs WHERE runs.pipeline = asked.name ORDER BY started_at DESC, run_id DESC LIMIT :runs) r`;

const nodesOfRuns = `
SELECT run_id, node, type, table_name, state, attempts, rows, kept_from, ${iso('started_at')} AS started_at, ${iso('ended_at')} AS ended_at
FROM :s:.nodes WHERE run_id = ANY(CAST(:runs AS text[])) ORDER BY run_id, nodes.started_at, node`;

const rowsLoaded = `
SELECT pipeline, sum(rows) AS rows FROM :s:.nodes WHERE verb = 'load' AND state = 'succeeded' AND ended_at >= :since AND rows IS NOT NULL GROUP BY pipeline`;

/**
 * The newest extract and load of each table that succeeded, and the newest extract that this load or an earlier one brought to staging; the newest load that a build followed, and the newest extract that
 * staging held then. Versions count from 0 again in a lake that was made anew: what was begun to be extracted after that load ended, or was extracted after that build began, is none of it.
 */
const newestOfTables = `
SELECT asked.name, found.* FROM unnest(CAST(:names AS text[])) AS asked (name),
LATERAL (
  WITH load AS (
    SELECT * FROM :s:.nodes WHERE table_name = asked.name AND verb = 'load' AND state = 'succeeded' AND kept_from IS NULL ORDER BY ended_at DESC LIMIT 1
  ), build AS (
    SELECT * FROM :s:.nodes WHERE table_name = asked.name AND built_at IS NOT NULL ORDER BY built_at DESC LIMIT 1
  )
  SELECT 'load' AS part, load.* FROM load
  UNION ALL (
    SELECT 'extract', nodes.* FROM :s:.nodes WHERE table_name = asked.name AND verb = 'extract' AND state = 'succeeded' AND kept_from IS NULL
    ORDER BY ended_at DESC LIMIT 1
  )
  UNION ALL (
    SELECT 'loaded', e.* FROM load, :s:.nodes e WHERE e.table_name = asked.name AND e.verb = 'extract' AND e.state = 'succeeded' AND e.kept_from IS NULL
    AND coalesce(e.started_at, e.ended_at) <= load.ended_at AND e.lake_version <= load.lake_version
    ORDER BY e.ended_at DESC LIMIT 1
  )
  UNION ALL SELECT 'build', build.* FROM build
  UNION ALL (
    SELECT 'built', e.* FROM build LEFT JOIN :s:.nodes did ON did.run_id = build.kept_from AND did.node = build.node,
    :s:.nodes e WHERE e.table_name = asked.name AND e.verb = 'extract' AND e.state = 'succeeded' AND e.kept_from IS NULL
    AND e.ended_at <= build.built_at AND e.lake_version <= coalesce(build.lake_version, did.lake_version)
    ORDER BY e.ended_at DESC LIMIT 1
  )
) found`;

const loadsOfTable = `
SELECT load.*, brought.result AS extracted FROM (
  SELECT * FROM :s:.nodes WHERE table_name = :table AND verb = 'load' AND state = 'succeeded' AND kept_from IS NULL ORDER BY ended_at DESC LIMIT :limit
) load LEFT JOIN LATERAL (
  SELECT e.result FROM :s:.nodes e WHERE e.table_name = :table AND e.verb = 'extract' AND e.state = 'succeeded' AND e.kept_from IS NULL
  AND e.ended_at <= load.ended_at AND e.lake_version <= load.lake_version
  ORDER BY e.ended_at DESC LIMIT 1
) brought ON true
ORDER BY load.ended_at DESC`;

const bytesOf = `
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relkind = 'r'`;

const stampOf = `
SELECT md5(concat_ws('|',
  (SELECT max(started_at) FROM :s:.runs), (SELECT max(ended_at) FROM :s:.runs),
  (SELECT string_agg(concat_ws(' ', n.run_id, n.node, n.state, n.attempts), ',' ORDER BY n.run_id, n.node) FROM :s:.runs r JOIN :s:.nodes n USING (run_id) WHERE r.state = 'running'),
  (SELECT max(id) FROM :s:.queue),
  (SELECT string_agg(concat_ws(' ', id, reason), ',' ORDER BY id) FROM :s:.queue WHERE state = 'queued'),
  (SELECT string_agg(pipeline, ',' ORDER BY pipeline) FROM :s:.pauses),
  (SELECT concat_ws(' ', token, run_id) FROM :s:.leases WHERE name = 'daemon')
)) AS stamp`;

/** Of each pipeline the newest ones stay, and the newest that succeeded, whatever their age. */
const pruneRuns = `
DELETE FROM :s:.runs WHERE run_id IN (
  SELECT old.run_id FROM (SELECT DISTINCT pipeline FROM :s:.runs) p,
  LATERAL (SELECT started_at, run_id FROM :s:.runs WHERE pipeline = p.pipeline ORDER BY started_at DESC, run_id DESC OFFSET :keep LIMIT 1) edge,
  LATERAL (
    SELECT run_id FROM :s:.runs r
    WHERE r.pipeline = p.pipeline AND (r.started_at, r.run_id) <= (edge.started_at, edge.run_id) AND r.state <> 'running' AND r.ended_at < :before
    AND r.run_id IS DISTINCT FROM (SELECT run_id FROM :s:.runs WHERE pipeline = p.pipeline AND state = 'succeeded' ORDER BY started_at DESC, run_id DESC LIMIT 1)
    ORDER BY r.started_at, r.run_id LIMIT :limit
  ) old
  LIMIT :limit
) RETURNING run_id`;

const pruneQueue = `
DELETE FROM :s:.queue WHERE id IN (SELECT id FROM :s:.queue WHERE state <> 'queued' AND noted_at < :before ORDER BY noted_at LIMIT :limit)`;

function pipelineHistory(pipeline: string, runs: readonly RunRecord[], rowsLoaded: number): PipelineHistory {
  const took = runs
    .flatMap((run) => (run.state === 'succeeded' && run.endedAt !== undefined ? [Date.parse(run.endedAt) - Date.parse(run.startedAt)] : []))
    .sort((a, b) => a - b);
  return { pipeline, runs, rowsLoaded, medianMs: took[Math.floor((took.length - 1) / 2)] };
}

function recordsByPipeline(rows: readonly RunRow<string>[]): ReadonlyMap<string, readonly RunRecord[]> {
  const found = new Map<string, RunRecord[]>();
  for (const row of rows) {
    const of = found.get(row.pipeline);
    if (of === undefined) found.set(row.pipeline, [runRecord(row)]);
    else of.push(runRecord(row));
  }
  return found;
}

function tableHistory(table: string, row: (part: NewestPart) => NodeRow | undefined): TableHistory {
  const record = (part: NewestPart): NodeRecord | undefined => {
    const found = row(part);
    return found === undefined ? undefined : nodeRecord(found);
  };
  const [extract, build] = [record('extract'), row('build')];
  return {
    table,
    extract,
    load: record('load'),
    lakeAsOf: committedBy(extract),
    asOf: committedBy(record('loaded')),
    analyticsAsOf: committedBy(record('built')),
    built: build?.built_at == null ? undefined : { runId: build.run_id, at: build.built_at.toISOString() },
  };
}

/** What the source had committed by then is in that extract. (A fence may be older: it says from where the next one reads, and waits for what is not committed.) */
function committedBy(extract: Pick<NodeResult, 'facts'> | undefined): string | undefined {
  const at = extract?.facts.extractedAt ?? extract?.facts.fence;
  return typeof at === 'string' ? at : undefined;
}

function nodeRecord(row: NodeRow): NodeRecord {
  return {
    runId: row.run_id,
    pipeline: row.pipeline,
    node: row.node,
    type: row.type,
    table: row.table_name ?? undefined,
    state: row.state,
    startedAt: row.started_at?.toISOString(),
    endedAt: row.ended_at?.toISOString(),
    attempts: row.attempts,
    rows: row.rows === null ? undefined : Number(row.rows),
    bytes: row.bytes === null ? undefined : Number(row.bytes),
    summary: row.result?.summary,
    facts: (row.result?.facts ?? {}) as JsonObject,
  };
}

function runNode(row: RunNodeRow): RunNode {
  return {
    runId: row.run_id,
    node: row.node,
    type: row.type,
    table: row.table_name ?? undefined,
    state: row.state,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    attempts: row.attempts,
    rows: row.rows === null ? undefined : Number(row.rows),
    keptFrom: row.kept_from ?? undefined,
  };
}

function runTotals({ pipeline, state, runs, seconds, buckets, last_ended_at }: RunTotalsRow): RunTotals {
  return { pipeline, state, runs: Number(runs), seconds, bySeconds: buckets.map(Number), lastEndedAt: last_ended_at.toISOString() };
}

function nodeTotals({ pipeline, table_name, type, rows, bytes, retries, failures }: NodeTotalsRow): NodeTotals {
  return {
    pipeline,
    table: table_name === '' ? undefined : table_name,
    type,
    rows: Number(rows),
    bytes: Number(bytes),
    retries: Number(retries),
    failures: Number(failures),
  };
}
