import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { quoteIdentifier } from '../../connectors/postgres/identifier.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Outcome, type Rig } from '../support/rig.ts';
import { openDeltaReader } from './delta-reader.ts';
import { createLedgers, ledgers } from './ledger.ts';
import { judge, type OracleParts, type Verdict } from './oracle.ts';

export type LakeKind = 'file' | 's3';

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
  /** Runs a pipeline to its end with more in its environment. */
  run(pipeline: 'full' | 'changed', env?: Readonly<Record<string, string>>): Promise<Outcome>;
  /** Parquet files in the lake that no log entry names. */
  orphans(verdicts: readonly Verdict[]): readonly string[];
  close(): Promise<void>;
}

/** The lookback is shorter than late writers are late: the fence alone must find what commits after a run has passed. */
const project = `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
state: { url: "\${STATE_URL}" }
defaults: { cursor: updated_at, lookback: 1s, retries: { attempts: 3, delay: 200ms } }
tables: { ledger_a: { key: id }, ledger_b: { key: id } }
pipelines:
  full: { mode: full, tables: [ledger_a, ledger_b] }
  changed: { mode: incremental, tables: [ledger_a, ledger_b] }
`;

/** Makes it with `rows` accounts in each table; nothing has run yet. `reader` gives the source's URL a role that may only read the tables. */
export async function openLedgerProject(options: {
  readonly rows: number;
  readonly lake?: LakeKind;
  readonly reader?: boolean;
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
  const rig = await createRig({ 'pipelines.yaml': project });
  Object.assign(rig.env, { SOURCE_URL: sourceUrl, WAREHOUSE_URL: warehouse.url, STATE_URL: warehouse.url });
  const delta = await openDeltaReader();
  const lake = join(rig.root, 'lake');
  const oracle: OracleParts = { source: from, warehouse: to, delta, place: (table) => ({ path: join(lake, table) }) };
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
    async run(pipeline, env = {}) {
      const before = { ...rig.env };
      Object.assign(rig.env, env);
      const running = rig.engine('run', '--pipeline', pipeline);
      for (const name of Object.keys(env)) rig.env[name] = before[name];
      return await running;
    },
    orphans(verdicts) {
      const named = new Set(verdicts.flatMap((v) => v.files).map((file) => decodeURI(file.replace('file://', ''))));
      return ledgers.flatMap((table) => {
        const folder = join(lake, table);
        if (!existsSync(folder)) return [];
        return readdirSync(folder, { recursive: true, encoding: 'utf8' })
          .filter((f) => f.endsWith('.parquet') && !f.startsWith('_delta_log') && !named.has(join(folder, f)))
          .map((f) => `${table}/${f}`);
      });
    },
    async close() {
      await delta.close();
      await rig.cleanup();
      await endPrepared(from);
      if (options.reader === true) await from.query(`DROP OWNED BY ${quoteIdentifier(role)}; DROP ROLE ${quoteIdentifier(role)}`);
      await source.drop();
      await warehouse.drop();
    },
  };
}

/** A database with prepared transactions cannot be dropped. */
async function endPrepared(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ gid: string }>('SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()');
  for (const { gid } of rows) await client.query(`ROLLBACK PREPARED '${gid.replaceAll("'", "''")}'`);
}
