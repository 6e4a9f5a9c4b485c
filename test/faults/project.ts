import type pg from 'pg';
import { quoteIdentifier } from '../../connectors/postgres/identifier.ts';
import { checkpointEvery } from '../../lake/checkpoint.ts';
import { readTable } from '../../lake/log.ts';
import { decodePath, entryPath } from '../../lake/path.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Outcome, type Rig, type Running } from '../support/rig.ts';
import { waitUntil } from '../support/wait.ts';
import { openDeltaReader } from './delta-reader.ts';
import { createLedgers, ledgers } from './ledger.ts';
import { judge, type OracleParts, type Verdict } from './oracle.ts';
import { type Detour, type LakeKind, openLakePlace } from './place.ts';

/** A project of the two ledgers on a real source and a real warehouse, run by the real command, with an oracle. */
export interface LedgerProject {
  readonly rig: Rig;
  readonly source: TestDatabase;
  readonly warehouse: TestDatabase;
  readonly from: pg.Client;
  readonly to: pg.Client;
  readonly oracle: OracleParts;
  /** What the oracle says of both tables. */
  verdicts(): Promise<readonly Verdict[]>;
  /** Starts a run of a pipeline with more in its environment. */
  start(pipeline: PipelineName, env?: Readonly<Record<string, string>>): Running;
  /** Runs a pipeline to its end with more in its environment. */
  run(pipeline: PipelineName, env?: Readonly<Record<string, string>>): Promise<Outcome>;
  /** Adds entries that bring nothing to both logs, until the next commit is due to write a checkpoint. */
  growLogs(): Promise<void>;
  /** What a run must not leave behind: leases, sessions and locks, runs that look as if they went on, files of its own. Orphans in the lake are no such thing. */
  leftovers(): Promise<readonly string[]>;
  /** Parquet files in the lake that no log entry ever named. */
  orphans(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** The lookback is shorter than late writers are late: the fence alone must find what commits after a run has passed. */
const projectOn = (lake: string): string => `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: ${lake}
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
dbt: { project: dbt, sink: warehouse }
state: { url: "\${STATE_URL}" }
defaults: { cursor: updated_at, lookback: 1s, retries: { attempts: 5, delay: 200ms } }
tables: { ledger_a: { key: id }, ledger_b: { key: id } }
pipelines:
  full: { mode: full, tables: [ledger_a, ledger_b] }
  changed: { mode: incremental, tables: [ledger_a, ledger_b] }
  full_dbt: { mode: full, tables: [ledger_a, ledger_b], dbt: [balance] }
  changed_dbt: { mode: incremental, tables: [ledger_a, ledger_b], dbt: [balance] }
`;

const dbtProject = `name: ledgers
version: "1.0"
config-version: 2
profile: engine
models: { +materialized: table }
`;

const balanceModel = `select (select sum(amount) from staging.ledger_a) + (select sum(amount) from staging.ledger_b) as sum,
  (select count(*) from staging.ledger_a) as a, (select count(*) from staging.ledger_b) as b
`;

export type PipelineName = 'full' | 'changed' | 'full_dbt' | 'changed_dbt';

/** Makes it with `rows` accounts in each table; nothing has run yet. `reader` gives the source's URL a role that may only read the tables; `detour` is for a lake on S3. */
export async function openLedgerProject(options: {
  readonly rows: number;
  readonly lake?: LakeKind;
  readonly reader?: boolean;
  readonly detour?: Detour;
}): Promise<LedgerProject> {
  const source = await freshDatabase('ledger');
  const warehouse = await freshDatabase('ledger_dw');
  const [from, to] = [await source.client(), await warehouse.client()];
  await createLedgers(from, options.rows);
  const role = `${source.name}_reader`;
  let sourceUrl = source.url;
  if (options.reader === true) {
    await from.query(
      `CREATE ROLE ${quoteIdentifier(role)} LOGIN PASSWORD 'reads'; GRANT SELECT ON ledger_a, ledger_b TO ${quoteIdentifier(role)}`,
    );
    sourceUrl = Object.assign(new URL(source.url), { username: role, password: 'reads' }).href;
  }
  const place = await openLakePlace(options.lake ?? 'file', options.detour);
  const rig = await createRig({
    'pipelines.yaml': projectOn(place.yaml),
    'dbt/dbt_project.yml': dbtProject,
    'dbt/models/balance.sql': balanceModel,
  });
  Object.assign(rig.env, place.env, { SOURCE_URL: sourceUrl, WAREHOUSE_URL: warehouse.url, STATE_URL: warehouse.url });
  const delta = await openDeltaReader();
  const lake = place.open(rig.root);
  const oracle: OracleParts = { source: from, warehouse: to, delta, place: (table) => place.table(rig.root, table) };
  /** A process takes its environment when it is started. */
  const withEnv = <T>(env: Readonly<Record<string, string>>, start: () => T): T => {
    const before = { ...rig.env };
    Object.assign(rig.env, env);
    try {
      return start();
    } finally {
      for (const name of Object.keys(env)) rig.env[name] = before[name];
    }
  };
  /** Entries of the logs that were looked at, and the files that they name. */
  const read = new Set<string>();
  const named = new Set<string>();
  return {
    rig,
    source,
    warehouse,
    from,
    to,
    oracle,
    async verdicts() {
      const found: Verdict[] = [];
      for (const table of ledgers) found.push(await judge(oracle, table));
      return found;
    },
    start: (pipeline, env = {}) => withEnv(env, () => rig.start('run', '--pipeline', pipeline)),
    run: (pipeline, env = {}) => withEnv(env, () => rig.engine('run', '--pipeline', pipeline)),
    async growLogs() {
      for (const table of ledgers) {
        const { version, checkpoint } = await readTable(lake, table);
        const entry = new TextEncoder().encode(`${JSON.stringify({ commitInfo: { timestamp: Date.now(), operation: 'FSCK' } })}\n`);
        for (let next = version + 1; next < (checkpoint ?? 0) + checkpointEvery; next += 1)
          await lake.createIfAbsent(entryPath(table, next), entry);
      }
    },
    leftovers: () => leftoversIn(source, warehouse, to),
    async orphans() {
      const found: string[] = [];
      for (const table of ledgers) {
        for await (const { path } of lake.list(`${table}/_delta_log`)) {
          if (!path.endsWith('.json') || read.has(path)) continue;
          read.add(path);
          const entry = new TextDecoder().decode(await lake.read(path));
          for (const [, file] of entry.matchAll(/"add":\{"path":"([^"]+)"/g)) named.add(`${table}/${decodePath(file ?? '')}`);
        }
        for await (const { path } of lake.list(table))
          if (path.endsWith('.parquet') && !path.includes('/_delta_log/') && !named.has(path)) found.push(path);
      }
      return found;
    },
    async close() {
      await delta.close();
      await rig.cleanup();
      await place.close();
      await endPrepared(from);
      if (options.reader === true) await from.query(`DROP OWNED BY ${quoteIdentifier(role)}; DROP ROLE ${quoteIdentifier(role)}`);
      await source.drop();
      await warehouse.drop();
    },
  };
}

async function leftoversIn(source: TestDatabase, warehouse: TestDatabase, to: pg.Client): Promise<readonly string[]> {
  const left = async (what: string, sql: string): Promise<readonly string[]> => {
    const { rows } = await to.query<{ what: string }>(sql);
    return rows.map((row) => `${what} is left: ${row.what}`);
  };
  const sessions = `SELECT application_name || ' on ' || datname AS what FROM pg_catalog.pg_stat_activity
    WHERE application_name LIKE 'engine%' AND datname IN ('${source.name}', '${warehouse.name}')`;
  // A server notices a moment later that its client is gone.
  await waitUntil(async () => (await to.query(sessions)).rows.length === 0, 'the sessions to end').catch(() => undefined);
  return [
    ...(await left('a session', sessions)),
    ...(await left('a lease', `SELECT name || ' of run ' || run_id AS what FROM engine.leases WHERE run_id IS NOT NULL`)),
    ...(await left('a run that never ended', `SELECT run_id AS what FROM engine.runs WHERE state = 'running'`)),
  ];
}

/** A database with prepared transactions cannot be dropped. */
async function endPrepared(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ gid: string }>('SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()');
  for (const { gid } of rows) await client.query(`ROLLBACK PREPARED '${gid.replaceAll("'", "''")}'`);
}
