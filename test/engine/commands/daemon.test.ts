import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createRig, type Rig } from '../../support/rig.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

const yaml = (pipelines: string, state = '{ sink: warehouse }'): string => `version: 1
sources: { production: { type: postgres, url: "\${SOURCE_URL}" } }
lake: { type: file, path: lake }
sinks: { warehouse: { type: postgres, url: "\${WAREHOUSE_URL}", schema: staging } }
state: ${state}
defaults: { key: id, cursor: updated_at }
tables: { users: {}, orders: {} }
pipelines:
${pipelines}
`;
const users = '  users: { mode: incremental, tables: [users], schedule: "0 0 1 1 *" }';

suite('engine daemon', ({ test, before, after }) => {
  let source: TestDatabase;
  let warehouse: TestDatabase;
  let to: pg.Client;
  const rigs: Rig[] = [];
  before(async () => {
    source = await freshDatabase('daemon');
    const from = await source.client();
    for (const table of ['users', 'orders'])
      await from.query(
        `CREATE TABLE ${table} (id int PRIMARY KEY, updated_at timestamptz NOT NULL DEFAULT now()); INSERT INTO ${table} SELECT g FROM generate_series(1, 9) g`,
      );
    warehouse = await freshDatabase('daemon_dw');
    to = await warehouse.client();
  });
  after(async () => {
    for (const rig of rigs) await rig.cleanup();
    await source.drop();
    await warehouse.drop();
  });

  const project = async (text: string): Promise<Rig> => {
    const rig = await createRig({ 'pipelines.yaml': text });
    Object.assign(rig.env, { SOURCE_URL: source.url, WAREHOUSE_URL: warehouse.url });
    rigs.push(rig);
    return rig;
  };
  /** Queues a run as the API will, and waits for its end. */
  const trigger = async (pipeline: string): Promise<string> => {
    const { rows } = await to.query<{ id: string }>(
      `INSERT INTO engine.queue (pipeline, kind, request, asked_by, state, noted_at) VALUES ($1, 'trigger', '{}', 'a test', 'queued', now()) RETURNING id::text AS id`,
      [pipeline],
    );
    let state = '';
    await waitUntil(
      async () => {
        const found = await to.query<{ state: string }>(
          'SELECT r.state FROM engine.queue q JOIN engine.runs r USING (run_id) WHERE q.id = $1',
          [rows[0]?.id],
        );
        state = found.rows[0]?.state ?? '';
        return state !== '' && state !== 'running';
      },
      `the run of ${pipeline}`,
      30_000,
    );
    return state;
  };

  test('runs what is queued, says what goes on, and ends with 143 when it is told to', async () => {
    const rig = await project(yaml(users));
    const daemon = rig.start('daemon');
    await daemon.waitFor('leads');
    assert.is(await trigger('users'), 'succeeded');
    assert.is((await to.query('SELECT FROM staging.users')).rowCount, 9);
    const why = await rig.engine('why', 'users');
    assert.match(why.stdout, new RegExp(`the daemon that leads: pid ${daemon.pid} on `));
    assert.match(why.stdout, /fires next: \d{4}-01-01T00:00:00Z/);
    assert.is((await rig.engine('status', '--check')).code, 0);
    daemon.kill('SIGTERM');
    assert.is((await daemon.ended).code, 143);
    const status = await rig.engine('status', '--check');
    assert.is(status.code, 1);
    assert.match(status.stdout, /no daemon is there: 1 pipeline with a schedule will not fire/);
    assert.match((await rig.engine('why', 'users')).stdout, /no daemon is there: nothing fires by itself/);
  });

  test('an edited file is taken in when it is valid; when not, that is said, and runs go by the one before', async () => {
    const rig = await project(yaml(users));
    const daemon = rig.start('daemon');
    await daemon.waitFor('leads');
    rig.write('pipelines.yaml', yaml('  users: { mode: sometimes }'));
    await daemon.waitFor('is not taken: it has findings. The one before stays in force');
    assert.match(daemon.stderr(), /`mode` of pipeline `users` cannot be `sometimes`/);
    assert.is(await trigger('users'), 'succeeded');
    rmSync(join(rig.root, 'pipelines.yaml'));
    mkdirSync(join(rig.root, 'pipelines.yaml'));
    await daemon.waitFor('cannot be read. The one before stays in force');
    rmSync(join(rig.root, 'pipelines.yaml'), { recursive: true });
    rig.write('pipelines.yaml', yaml(`${users}\n  orders: { mode: full, tables: [orders] }`));
    await daemon.waitFor('was changed, and is in force now');
    assert.is(await trigger('orders'), 'succeeded');
    daemon.kill('SIGTERM');
    await daemon.ended;
  });

  test('a place where what a run says cannot be written holds nobody up', async () => {
    const rig = await project(yaml(users));
    const daemon = rig.start('daemon');
    await daemon.waitFor('leads');
    const copies = join(rig.root, '.engine', 'daemon');
    const { rows } = await to.query<{ next: string }>('SELECT coalesce(max(id), 0)::text AS next FROM engine.queue');
    // As on a disk that is full, or was made read-only.
    for (const folder of readdirSync(copies))
      for (let i = 1; i < 9; i += 1) mkdirSync(join(copies, folder, `run-${Number(rows[0]?.next) + i}.txt`));
    assert.is(await trigger('users'), 'succeeded');
    await daemon.waitFor('what the run says at its start is not kept');
    await daemon.waitFor('ended with 0');
    daemon.kill('SIGTERM');
    assert.is((await daemon.ended).code, 143);
  });

  test('why names who holds a fence back, since when, and what to do about it', async () => {
    const rig = await project(yaml(users));
    const holder = await source.client();
    await holder.query("SET application_name = 'nightly report'; BEGIN; SELECT count(*) FROM users");
    const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    assert.is((await rig.engine('run', '--pipeline', 'users')).code, 0);
    const held = await rig.engine('why', 'users');
    assert.match(
      held.stdout,
      new RegExp(`held back: the fence of users, by pid ${rows[0]?.pid} \\(.*nightly report\\), since \\d{4}-.*seen at \\d{4}-`),
    );
    assert.match(held.stdout, `pg_terminate_backend(${rows[0]?.pid})`);
    await holder.query('ROLLBACK');
    await holder.end();
    assert.is((await rig.engine('run', '--pipeline', 'users')).code, 0);
    assert.not.match((await rig.engine('why', 'users')).stdout, 'held back');
  });

  test('answers whether it is alive and ready, and what Prometheus asks', async () => {
    const rig = await project(yaml(users));
    const daemon = rig.start('daemon', '--listen', '127.0.0.1:0');
    await daemon.waitFor('leads');
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(daemon.stderr())?.[0] ?? '';
    const get = async (path: string): Promise<{ readonly status: number; readonly text: string }> => {
      const answer = await fetch(`${url}${path}`);
      return { status: answer.status, text: await answer.text() };
    };
    assert.equal(await get('/healthz'), { status: 200, text: '{"ok":true}' });
    await waitUntil(async () => (await get('/readyz')).status === 200, 'the daemon to be ready');
    assert.is(JSON.parse((await get('/readyz')).text).checks.scheduler.leads, true);
    assert.is(await trigger('users'), 'succeeded');
    await waitUntil(
      async () => /engine_runs_total\{pipeline="users",state="succeeded"\} [1-9]/.test((await get('/metrics')).text),
      'the run in the metrics',
    );
    const { text } = await get('/metrics');
    assert.match(text, /engine_leader 1\n/);
    assert.match(text, /engine_store_up 1\n/);
    assert.match(text, /engine_table_lag_seconds\{table="users"\} \d/);
    daemon.kill('SIGTERM');
    await daemon.ended;
  });

  test('as JSON each line is one document: what the daemon does and the events of its runs, no less than is asked for', async () => {
    const rig = await project(yaml(users));
    const daemon = rig.start('daemon', '--json', '--listen', 'off');
    await daemon.waitFor('leads');
    assert.is(await trigger('users'), 'succeeded');
    await daemon.waitFor('"type":"run.succeeded"');
    daemon.kill('SIGTERM');
    await daemon.ended;
    const lines = daemon
      .stdout()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly [key: string]: unknown });
    for (const line of lines) {
      assert.is(line.format_version, 1);
      assert.match(String(line.level), /^(info|warn|error)$/);
      assert.match(String(line.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      assert.is(typeof line.msg, 'string');
    }
    const runId = String(lines.find((line) => line.type === 'run.started')?.runId);
    const events = lines.filter((line) => line.type !== 'daemon' && line.type !== 'http');
    const { rows } = await to.query<{ seq: string }>(
      "SELECT seq::text AS seq FROM engine.events WHERE run_id = $1 AND type NOT IN ('node.progress', 'run.planned') AND event->>'level' IS DISTINCT FROM 'debug' ORDER BY events.seq",
      [runId],
    );
    assert.equal(
      events.map((line) => line.seq),
      rows.map((row) => Number(row.seq)),
      'each event once, in order; plans are too long for a log',
    );
    assert.equal([...new Set(events.map((line) => line.pipeline))], ['users']);
    assert.ok(lines.some((line) => line.type === 'daemon' && line.runId === runId && line.pipeline === 'users'));
    assert.is((await rig.engine('daemon', '--log-level', 'loud')).code, 2);
  });

  test('where the file says so, its log is JSON without being asked, and only what matters', async () => {
    const rig = await project(`${yaml(users)}daemon: { log: json, logLevel: warn }\n`);
    const daemon = rig.start('daemon', '--listen', 'off');
    // Until the daemon has made the schema there is nothing to ask.
    const leads = (): Promise<boolean> =>
      to.query("SELECT FROM engine.leases WHERE name = 'daemon' AND pid = $1", [daemon.pid]).then(
        ({ rowCount }) => rowCount === 1,
        () => false,
      );
    await waitUntil(leads, 'the daemon to lead');
    rig.write('pipelines.yaml', 'version: 7');
    await daemon.waitFor('is not taken');
    daemon.kill('SIGTERM');
    await daemon.ended;
    const levels = daemon
      .stdout()
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { level: string }).level);
    assert.equal([...new Set(levels)], ['error']);
  });

  test('a store that ends with the process is refused, and so is a pipeline that is not there', async () => {
    const rig = await project(yaml(users, 'memory'));
    const refused = await rig.engine('daemon');
    assert.is(refused.code, 2);
    assert.match(refused.stderr, /a daemon needs a state store that outlives it/);
    const unknown = await rig.engine('why', 'nobody');
    assert.is(unknown.code, 2);
    assert.match(unknown.stderr, /there is no pipeline nobody/);
    assert.is((await (await project(yaml(users))).engine('run', '--queued', '99999999')).code, 2);
  });
});
