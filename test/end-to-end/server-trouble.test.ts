import type pg from 'pg';
import * as assert from 'uvu/assert';
import { openClusters, type TestCluster, type TestClusters } from '../support/cluster.ts';
import { differenceOf } from '../support/compare.ts';
import { createRig, type Rig, type Running } from '../support/rig.ts';
import { suite } from '../support/suite.ts';
import { waitUntil } from '../support/wait.ts';

const yaml = `
version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
defaults: { cursor: updated_at, retries: { attempts: 6, delay: 300ms } }
tables: { users: { key: id } }
pipelines:
  full: { mode: full, tables: [users] }
  changed: { mode: incremental, tables: [users] }
`;

suite('trouble of a server in the middle of a run', ({ test, before, after }) => {
  let clusters: TestClusters;
  let server: TestCluster;
  let rig: Rig;
  before(async () => {
    clusters = await openClusters();
    server = await clusters.create('server', { max_prepared_transactions: '0' });
    const admin = await server.client();
    await admin.query('CREATE DATABASE production');
    await admin.query('CREATE DATABASE warehouse');
    await admin.end();
    await withClient('production', (client) =>
      client.query(`CREATE TABLE users (id int PRIMARY KEY, name text, updated_at timestamptz NOT NULL DEFAULT now());
        INSERT INTO users SELECT g, md5(g::text) FROM generate_series(1, 1000) g`),
    );
    rig = await createRig({ 'pipelines.yaml': yaml });
    Object.assign(rig.env, { SOURCE_URL: server.url('production'), WAREHOUSE_URL: server.url('warehouse') });
    const first = await rig.engine('run', '--pipeline', 'full');
    assert.is(first.code, 0, first.stderr);
  });
  after(async () => {
    await rig.cleanup();
    await clusters.close();
  });

  const withClient = async <T>(database: string, body: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = await server.client(database);
    client.on('error', () => undefined);
    try {
      return await body(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const change = (): Promise<unknown> =>
    withClient('production', (client) =>
      client.query(`UPDATE users SET name = md5(random()::text), updated_at = now() WHERE id % 10 < 3;
        INSERT INTO users SELECT max(id) + 1, 'new' FROM users`),
    );
  const isExact = async (): Promise<void> =>
    withClient('production', (from) =>
      withClient('warehouse', async (to) => {
        const d = await differenceOf(from, { schema: 'public', name: 'users' }, to, { schema: 'staging', name: 'users' });
        assert.equal([d.onlyLeft.slice(0, 3), d.onlyRight.slice(0, 3)], [[], []]);
        assert.ok(d.rows >= 1000);
      }),
    );
  /** The backend of that session of the engine once it waits for a lock. */
  const waitingPid = async (client: pg.Client, label: string): Promise<number> => {
    let pid = 0;
    await waitUntil(
      async () => {
        const { rows } = await client.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE application_name LIKE $1 AND wait_event_type = 'Lock'`,
          [`engine ${label}%`],
        );
        pid = rows[0]?.pid ?? 0;
        return pid > 0;
      },
      `engine ${label} to wait for a lock`,
      30_000,
    );
    return pid;
  };
  const endsWell = async (running: Running): Promise<string> => {
    const ended = await running.ended;
    assert.is(ended.code, 0, `${ended.stdout}\n${ended.stderr}`);
    await isExact();
    return ended.stderr;
  };

  test('a deadlock that the load loses is tried again, and all is exact', async () => {
    await change();
    await withClient('warehouse', async (rival) => {
      await rival.query(`SET deadlock_timeout = '1h'; BEGIN; UPDATE staging.users SET name = 'rival' WHERE id = 902`);
      const running = rig.start('run', '--pipeline', 'changed');
      await withClient('warehouse', (looker) => waitingPid(looker, 'load'));
      // The load has rewritten row 1 and waits for 902; now each waits for the other, and only the load looks for deadlocks.
      await rival.query(`UPDATE staging.users SET name = 'rival' WHERE id = 1`);
      await rival.query('ROLLBACK');
      assert.match(await endsWell(running), /deadlock/);
    });
  });

  test('a serialization failure is tried again, and all is exact', async () => {
    await change();
    await withClient('warehouse', (client) =>
      client.query(`CREATE SEQUENCE public.tries;
        CREATE FUNCTION public.collide() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN IF nextval('public.tries') <= 2 THEN RAISE EXCEPTION 'could not serialize access due to concurrent update' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$;
        CREATE TRIGGER collide AFTER INSERT OR UPDATE ON staging.users FOR EACH STATEMENT EXECUTE FUNCTION public.collide()`),
    );
    assert.match(await endsWell(rig.start('run', '--pipeline', 'changed')), /could not serialize/);
    await withClient('warehouse', (client) =>
      client.query('DROP TRIGGER collide ON staging.users; DROP FUNCTION public.collide; DROP SEQUENCE public.tries'),
    );
  });

  for (const pipeline of ['changed', 'full'])
    test(`a server that crashes and starts again in the middle of a load (${pipeline}): the same run goes on, and all is exact`, async () => {
      await change();
      const running = await withClient('warehouse', async (blocker) => {
        await blocker.query('BEGIN; SELECT 1 FROM staging.users WHERE id = 10 FOR UPDATE');
        const started = rig.start('run', '--pipeline', pipeline);
        process.kill(await withClient('warehouse', (looker) => waitingPid(looker, 'load')), 'SIGKILL');
        return started;
      });
      assert.match(await endsWell(running), /retry|again/i);
    });

  test('a server that crashes and starts again in the middle of an extract: nothing half is committed, and the run or the next one is exact', async () => {
    await change();
    const running = await withClient('production', async (blocker) => {
      await blocker.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
      const started = rig.start('run', '--pipeline', 'changed');
      process.kill(await withClient('production', (looker) => waitingPid(looker, '')), 'SIGKILL');
      return started;
    });
    const { code, stderr } = await running.ended;
    if (code !== 0) {
      assert.is(code, 3, stderr);
      assert.match(stderr, /what to do: /);
      const next = await rig.engine('run', '--pipeline', 'changed');
      assert.is(next.code, 0, next.stderr);
    }
    await isExact();
  });
});
