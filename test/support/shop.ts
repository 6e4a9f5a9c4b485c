import type pg from 'pg';
import { freshDatabase, type TestDatabase } from './postgres.ts';
import { createRig, type Rig, type Running } from './rig.ts';

const project = `version: 1
sources: { shop: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: .engine/lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { cursor: updated_at, retries: { attempts: 1 } }
tables: { a: { key: id }, b: { key: id } }
pipelines:
  both: { mode: full, tables: [a, b], concurrency: 2 }
  changes: { mode: incremental, tables: [a, b] }
`;

const gate = 4711;

/** A project with two tables in a real source, and a real warehouse. */
export async function openShop(): Promise<{
  readonly rig: Rig;
  readonly source: pg.Client;
  readonly warehouse: pg.Client;
  readonly close: () => Promise<void>;
}> {
  const databases: TestDatabase[] = [await freshDatabase('run_source'), await freshDatabase('run_sink')];
  const [from, to] = databases;
  if (from === undefined || to === undefined) throw new Error('no databases');
  const source = await from.client();
  const warehouse = await to.client();
  // Table b is a view that can be read only while nobody holds the gate.
  for (const table of ['a', 'b_rows'])
    await source.query(
      `CREATE TABLE ${table} (id int PRIMARY KEY, v text, updated_at timestamptz NOT NULL DEFAULT now());
       INSERT INTO ${table} SELECT n, 'v' || n FROM generate_series(1, 100) n`,
    );
  await source.query(
    `CREATE FUNCTION pass() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_lock_shared(${gate}); RETURN true; END $$;
     CREATE VIEW b AS SELECT * FROM b_rows WHERE public.pass()`,
  );
  const rig = await createRig({ 'pipelines.yaml': project });
  rig.env.SOURCE_URL = from.url;
  rig.env.WAREHOUSE_URL = to.url;
  return {
    rig,
    source,
    warehouse,
    async close() {
      await rig.cleanup();
      for (const client of [source, warehouse]) await client.end();
      for (const database of databases) await database.drop();
    },
  };
}

/** What `openShop` gives. */
export type World = Awaited<ReturnType<typeof openShop>>;

/** Asks until the answer is yes; throws after half a minute. */
export async function until(what: string, ask: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await ask())) if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
}

/** Starts a run that comes to stand before table b, whose gate another session holds; `unlock` opens it. */
export async function stuckRun({
  rig,
  source,
}: World): Promise<{ readonly running: Running; readonly runId: string; readonly unlock: () => Promise<void> }> {
  await source.query(`SELECT pg_advisory_lock(${gate})`);
  const running = rig.start('run', '--pipeline', 'both');
  await running.waitFor(/run \w{26}/);
  await until('the extract waits for the lock', () => waits(source));
  return {
    running,
    runId: /run (\w{26})/.exec(running.stderr())?.[1] ?? '',
    unlock: async () => {
      await source.query(`SELECT pg_advisory_unlock(${gate})`);
    },
  };
}

/** True while a query stands before the gate. */
export async function waits(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT 1 FROM pg_locks WHERE NOT granted AND objid = ${gate} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  return rows.length > 0;
}

/** Rows of a table. */
export async function count(client: pg.Client, table: string): Promise<number> {
  const { rows } = await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
  return rows[0]?.n ?? -1;
}

/** A run's state as `engine runs` has it. */
export async function stateOf(rig: Rig, runId: string): Promise<string | undefined> {
  const { documents } = await rig.json('runs');
  const runs = documents[0]?.runs as readonly { readonly runId: string; readonly state: string }[] | undefined;
  return runs?.find((r) => r.runId === runId)?.state;
}
