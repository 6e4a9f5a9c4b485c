import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { differenceOf } from '../support/compare.ts';
import { freshDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRig, type Rig, type Running } from '../support/rig.ts';
import { suite } from '../support/suite.ts';
import { waitUntil } from '../support/wait.ts';

const yaml = `
version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { cursor: updated_at }
tables:
  users: { lake: { targetFileSize: 1MB } }
pipelines:
  full: { mode: full, tables: [users] }
  changed: { mode: incremental, tables: [users] }
`;

suite('SIGKILL', ({ test, before, after }) => {
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let from: pg.Client;
  let to: pg.Client;
  let blocker: pg.Client;
  let rig: Rig;

  before(async () => {
    source = await freshDatabase('kill');
    warehouse = await freshDatabase('kill_dw');
    from = await source.client();
    to = await warehouse.client();
    blocker = await warehouse.client();
    await from.query('CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now())');
    await from.query(
      'INSERT INTO users SELECT g, md5(g::text) || md5((g + 1)::text) || repeat(md5((-g)::text), 4) FROM generate_series(1, 200000) g',
    );
    rig = await createRig({ 'pipelines.yaml': yaml });
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
  });
  after(async () => {
    await rig.cleanup();
    await source.drop();
    await warehouse.drop();
  });

  const change = async (): Promise<void> => {
    await from.query('UPDATE users SET name = md5(random()::text), updated_at = now() WHERE id % 50 = 0');
    await from.query('INSERT INTO users SELECT max(id) + 1, $1 FROM users', ['new']);
  };
  const killed = async (running: Running): Promise<void> => {
    running.kill('SIGKILL');
    assert.is((await running.ended).signal, 'SIGKILL');
  };
  /** The next run of each pipeline is green, and staging is the source. */
  const recovers = async (pipeline: string): Promise<void> => {
    const done = await rig.engine('run', '--pipeline', pipeline);
    assert.is(done.code, 0, `${done.stdout}\n${done.stderr}`);
    const d = await differenceOf(from, { schema: 'public', name: 'users' }, to, { schema: 'staging', name: 'users' });
    assert.equal([d.onlyLeft.slice(0, 3), d.onlyRight.slice(0, 3)], [[], []]);
    assert.ok(d.rows >= 200_000);
  };
  const parts = (): readonly string[] => {
    const folder = join(rig.root, 'lake', 'users');
    return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.parquet')) : [];
  };
  const waitsForALock = async (): Promise<boolean> =>
    (
      await to.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'engine %' AND wait_event_type = 'Lock'",
      )
    ).rows.length > 0;

  for (const pipeline of ['full', 'changed']) {
    test(`in the middle of an extract (${pipeline}): the next run ends with staging as the source`, async () => {
      await change();
      const had = new Set(parts());
      const running = rig.start('run', '--pipeline', pipeline);
      const log = join(rig.root, 'lake', 'users', '_delta_log');
      const entries = existsSync(log) ? readdirSync(log).length : 0;
      await waitUntil(
        () => parts().some((p) => !had.has(p) && statSync(join(rig.root, 'lake', 'users', p), { throwIfNoEntry: false }) !== undefined),
        'a part of the extract',
        30_000,
      );
      await killed(running);
      assert.ok((existsSync(log) ? readdirSync(log).length : 0) <= entries + 1);
      await recovers(pipeline);
    });

    test(`in the middle of a load (${pipeline}): the next run ends with staging as the source`, async () => {
      await change();
      await blocker.query('BEGIN');
      await blocker.query(
        pipeline === 'full' ? 'SELECT count(*) FROM staging.users' : 'SELECT 1 FROM staging.users WHERE id = 50 FOR UPDATE',
      );
      const running = rig.start('run', '--pipeline', pipeline);
      await waitUntil(waitsForALock, 'the load to wait for our lock', 30_000);
      await killed(running);
      await blocker.query('ROLLBACK');
      await recovers(pipeline);
    });

    test(`between a load's commit and its event (${pipeline}): nothing is loaded twice`, async () => {
      await change();
      const ledger = async (): Promise<number> => Number((await to.query('SELECT max(version) AS v FROM engine.loads')).rows[0].v);
      const before = await ledger();
      await blocker.query('BEGIN');
      await blocker.query(
        pipeline === 'full' ? 'SELECT count(*) FROM staging.users' : 'SELECT 1 FROM staging.users WHERE id = 50 FOR UPDATE',
      );
      const running = rig.start('run', '--pipeline', pipeline);
      await waitUntil(waitsForALock, 'the load to wait for our lock', 30_000);
      const events = await warehouse.client();
      await events.query('BEGIN');
      await events.query('LOCK TABLE engine.events IN ACCESS EXCLUSIVE MODE');
      await blocker.query('ROLLBACK');
      await waitUntil(async () => (await ledger()) > before, "the load's commit", 30_000);
      await killed(running);
      await events.query('ROLLBACK');
      await events.end();
      await recovers(pipeline);
      const runs = await rig.json('runs');
      assert.is(runs.code, 0);
      assert.match(runs.stdout, /interrupted/);
    });
  }
});
