import type pg from 'pg';
import * as assert from 'uvu/assert';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

const yaml = (shutdownTimeout: string): string => `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
daemon: { shutdownTimeout: ${shutdownTimeout} }
tables: { users: { key: id, cursor: updated_at } }
pipelines:
  users: { mode: incremental, tables: [users], schedule: "0 0 1 1 *" }
`;

suite('engine daemon, told to stop during a load', ({ test, before, after }) => {
  let source: TestDatabase;
  let from: pg.Client;
  before(async () => {
    source = await freshDatabase('stop');
    from = await source.client();
    await from.query(
      'CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now()); INSERT INTO users SELECT g FROM generate_series(1, 5) g',
    );
  });
  after(() => source.drop());

  /** A daemon whose run stands in the middle of its load: somebody else has locked the staging table. */
  const held = async (shutdownTimeout: string, body: (scene: Scene) => Promise<void>): Promise<void> => {
    const warehouse = await freshDatabase('stop_dw');
    const rig = await createRig({ 'pipelines.yaml': yaml(shutdownTimeout) });
    try {
      Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
      assert.is((await rig.engine('run', '--pipeline', 'users')).code, 0);
      await from.query(`UPDATE users SET name = coalesce(name, '') || 'x', updated_at = now()`);
      const to = await warehouse.client();
      const { rows: before } = await to.query('SELECT DISTINCT name FROM staging.users');
      const locker = await warehouse.client();
      await locker.query('BEGIN; LOCK TABLE staging.users IN ACCESS EXCLUSIVE MODE');
      const daemon = rig.start('daemon');
      await daemon.waitFor('leads');
      await to.query(
        `INSERT INTO engine.queue (pipeline, kind, request, asked_by, state, noted_at) VALUES ('users', 'trigger', '{}', 'a test', 'queued', now())`,
      );
      await waitUntil(
        async () => (await to.query(`SELECT FROM engine.nodes WHERE verb = 'load' AND state = 'running'`)).rowCount === 1,
        'the load to be at work',
        20_000,
      );
      daemon.kill('SIGTERM');
      await daemon.waitFor('stops: waits up to');
      await body({ rig, to, before, unlock: async () => void (await locker.query('ROLLBACK')), ended: daemon.ended });
      const { rows } = await to.query<{ name: string }>('SELECT DISTINCT name FROM staging.users');
      const { rows: wanted } = await from.query<{ name: string }>('SELECT DISTINCT name FROM users');
      assert.equal(rows, wanted);
    } finally {
      await rig.cleanup();
      await warehouse.drop();
    }
  };
  const statesOf = async (to: pg.Client): Promise<readonly string[]> =>
    (await to.query<{ state: string }>('SELECT state FROM engine.runs ORDER BY started_at')).rows.map((row) => row.state);

  test('a load that can finish in time finishes, and the daemon ends with 143', async () => {
    await held('60s', async ({ to, unlock, ended }) => {
      await unlock();
      assert.is((await ended).code, 143);
      assert.equal(await statesOf(to), ['succeeded', 'succeeded']);
    });
  });

  test('one that cannot is rolled back, the daemon ends with 143, and the next one goes on', async () => {
    await held('1s', async ({ rig, to, unlock, ended, before }) => {
      const outcome = await ended;
      assert.is(outcome.code, 143);
      assert.equal(await statesOf(to), ['succeeded', 'cancelled']);
      await unlock();
      assert.equal((await to.query('SELECT DISTINCT name FROM staging.users')).rows, before);
      const next = rig.start('daemon');
      await waitUntil(async () => (await statesOf(to)).at(2) === 'succeeded', 'the next daemon to go on', 20_000);
      const { rows } = await to.query<{ same: boolean }>(
        `SELECT retry_of = (SELECT run_id FROM engine.runs WHERE state = 'cancelled') AS same FROM engine.runs ORDER BY started_at DESC LIMIT 1`,
      );
      assert.is(rows[0]?.same, true);
      next.kill('SIGTERM');
      assert.is((await next.ended).code, 143);
    });
  });
});

interface Scene {
  readonly rig: Rig;
  readonly to: pg.Client;
  /** What staging held before. */
  readonly before: readonly object[];
  unlock(): Promise<void>;
  readonly ended: Promise<{ readonly code: number | null }>;
}
