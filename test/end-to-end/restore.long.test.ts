import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { differenceOf } from '../support/compare.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Rig } from '../support/rig.ts';
import { suite } from '../support/suite.ts';

const yaml = `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
state: { sink: warehouse, schema: engine_state }
defaults: { key: id, cursor: updated_at }
tables: { users: {}, events: { load: append } }
pipelines: { all: { mode: incremental, tables: [users, events] } }
`;

suite('what docs/deploy.md says of backups', ({ test, before, after }) => {
  let source: TestDatabase;
  let from: pg.Client;
  let admin: pg.Client;
  let rig: Rig;
  const databases: TestDatabase[] = [];
  let warehouse = '';
  before(async () => {
    source = await freshDatabase('restore');
    from = await source.client();
    for (const table of ['users', 'events'])
      await from.query(
        `CREATE TABLE ${table} (id int PRIMARY KEY, v text, updated_at timestamptz NOT NULL DEFAULT now()); INSERT INTO ${table} SELECT g, 'first' FROM generate_series(1, 30) g`,
      );
    admin = await (await fresh('restore_admin')).client();
    rig = await createRig({ 'pipelines.yaml': yaml });
    rig.env.SOURCE_URL = source.url;
    await goTo(await fresh('restore_dw'));
  });
  after(async () => {
    await rig?.cleanup();
    for (const database of databases) await database.drop();
    await source?.drop();
  });

  async function fresh(name: string): Promise<TestDatabase> {
    const database = await freshDatabase(name);
    databases.push(database);
    return database;
  }
  async function goTo(database: TestDatabase): Promise<void> {
    warehouse = database.name;
    rig.env.WAREHOUSE_URL = database.url;
  }
  /** A copy of the warehouse as it is now, as another database. */
  async function backup(): Promise<TestDatabase> {
    const copy = await fresh('restore_copy');
    await admin.query(`DROP DATABASE ${copy.name}`);
    await admin.query(`CREATE DATABASE ${copy.name} TEMPLATE ${warehouse}`);
    return copy;
  }
  const lake = (): string => join(rig.root, 'lake');
  const tables = (): readonly string[] => readdirSync(lake());
  let turn = 0;
  const change = async (): Promise<void> => {
    turn += 1;
    for (const table of ['users', 'events'])
      await from.query(
        `UPDATE ${table} SET v = 'change ${turn}', updated_at = now() WHERE id % 5 = ${turn % 5}; INSERT INTO ${table} VALUES (100 + ${turn}, 'new')`,
      );
  };
  const run = async (...more: string[]): Promise<{ readonly code: number | null; readonly stderr: string }> =>
    rig.engine('run', '--pipeline', 'all', ...more);
  /** Staging has each row of the source once, the latest where every version is kept. */
  const exact = async (said: { readonly code: number | null; readonly stderr: string }): Promise<void> => {
    assert.is(said.code, 0, said.stderr);
    const database = databases.find((d) => d.name === warehouse);
    if (database === undefined) throw new Error('no warehouse');
    const to = await database.client();
    try {
      const d = await differenceOf(from, { schema: 'public', name: 'users' }, to, { schema: 'staging', name: 'users' });
      assert.equal([d.onlyLeft, d.onlyRight], [[], []]);
      const text = async (on: pg.Client, sql: string): Promise<readonly string[]> =>
        (await on.query<{ t: string }>(sql)).rows.map((row) => row.t);
      assert.equal(
        await text(
          to,
          `SELECT id || ' ' || v AS t FROM (SELECT DISTINCT ON (id) * FROM staging.events ORDER BY id, _extracted_at DESC) l ORDER BY id`,
        ),
        await text(from, `SELECT id || ' ' || v AS t FROM events ORDER BY id`),
      );
      assert.equal(await text(to, 'SELECT id::text AS t FROM staging.events GROUP BY id, v HAVING count(*) > 1'), [], 'no version twice');
    } finally {
      await to.end();
    }
  };

  test('a warehouse from a backup and a lake whose log was copied first, both while runs went on: the next run has all of it', async () => {
    await exact(await run());
    const older = await backup();
    await change();
    await exact(await run());
    const copy = join(rig.root, 'lake-copy');
    for (const table of tables()) {
      mkdirSync(join(copy, table), { recursive: true });
      cpSync(join(lake(), table, '_delta_log'), join(copy, table, '_delta_log'), { recursive: true });
    }
    await change();
    await exact(await run());
    cpSync(lake(), copy, { recursive: true, filter: (path) => !path.includes('_delta_log') });
    rmSync(lake(), { recursive: true });
    cpSync(copy, lake(), { recursive: true });
    await goTo(older);
    await change();
    await exact(await run());
  });

  test('a lake that is older than the warehouse is refused, and a full run puts it right', async () => {
    const older = join(rig.root, 'lake-older');
    cpSync(lake(), older, { recursive: true });
    await change();
    await exact(await run());
    rmSync(lake(), { recursive: true });
    cpSync(older, lake(), { recursive: true });
    await change();
    const refused = await run();
    assert.is(refused.code, 4, refused.stderr);
    await exact(await run('--full-refresh'));
  });

  test('a lake that is lost is made anew from the source', async () => {
    rmSync(lake(), { recursive: true });
    await change();
    await exact(await run());
  });

  test('a warehouse that is lost is filled from the lake', async () => {
    await goTo(await fresh('restore_empty'));
    await change();
    await exact(await run());
  });

  test('a state store that is lost takes history with it, and no row', async () => {
    const to = await databases.find((d) => d.name === warehouse)?.client();
    await to?.query('DROP SCHEMA engine_state CASCADE');
    await to?.end();
    await change();
    await exact(await run());
    assert.is((await rig.json('runs')).documents.length > 0, true);
  });
});
