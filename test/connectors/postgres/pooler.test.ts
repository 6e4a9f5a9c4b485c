import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openServer } from '../../../connectors/postgres/open-server.ts';
import { type PoolingFacts, poolingOf } from '../../../connectors/postgres/pooler.ts';
import { systemClock } from '../../../engine/base/clock.ts';
import { EngineError } from '../../../engine/error.ts';
import { freshDatabase, type TestDatabase } from '../../support/postgres.ts';
import { suite } from '../../support/suite.ts';

const hasPgbouncer = spawnSync('pgbouncer', ['--version']).status === 0;
let database: TestDatabase;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Runs a pgbouncer before the test's database. */
async function withPgbouncer(settings: Readonly<Record<string, string>>, body: (url: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'engine-pgbouncer-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const { host, port: serverPort, user, password, name } = { ...database.parameters, name: database.name };
  const lines = Object.entries({
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'any',
    ...settings,
  }).map(([k, v]) => `${k} = ${v}`);
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]\n${name} = host=${host} port=${serverPort} dbname=${name} user=${user} password=${password}\n[pgbouncer]\n${lines.join('\n')}\n`,
  );
  const child: ChildProcess = spawn('pgbouncer', [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), file], { stdio: 'ignore' });
  try {
    const until = Date.now() + 10_000;
    while (!(await answers(port))) if (Date.now() > until || child.exitCode !== null) throw new Error('pgbouncer does not answer');
    await body(`postgresql://${user}:x-password@127.0.0.1:${port}/${name}?sslmode=disable`);
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function attempt(url: string): Promise<string> {
  const server = openServer('test', { url }, { root: '/', clock: systemClock, engine: '0', log: () => undefined });
  try {
    const client = await server.connect('pooled');
    await client.end();
    await server.connectionString('pooled');
    return 'taken';
  } catch (error) {
    if (error instanceof EngineError)
      return `${error.trouble} ${error.code} ${/transaction mode/.test(error.message) ? 'transaction' : 'session'}`;
    throw error;
  }
}

suite('poolers', (s) => {
  s.before(async () => {
    database = await freshDatabase('pooler');
  });
  s.after(() => database.drop());

  const direct: PoolingFacts = { announced: 7, backends: [7, 7], others: [8], settingsKept: true };
  s.test('what two sessions saw tells a server, a pool of sessions and a pool of transactions apart', () => {
    assert.is(poolingOf(direct), 'none');
    assert.is(poolingOf({ ...direct, announced: 991 }), 'session');
    assert.is(poolingOf({ ...direct, announced: 991, others: [] }), 'session');
    assert.is(poolingOf({ ...direct, announced: 991, backends: [7, 9] }), 'transaction');
    assert.is(poolingOf({ ...direct, announced: 991, others: [7] }), 'transaction');
    assert.is(poolingOf({ ...direct, announced: 991, settingsKept: false }), 'transaction');
  });

  s.test('a server itself is taken', async () => {
    assert.is(await attempt(database.url), 'taken');
  });

  if (!hasPgbouncer) s.skip('pgbouncer is noticed', 'pgbouncer is not on the PATH');
  else {
    const shapes: Record<string, Record<string, string>> = {
      'one server connection': { default_pool_size: '1', query_wait_timeout: '5' },
      'many server connections': { default_pool_size: '10', min_pool_size: '6' },
      'server connections in turn': { default_pool_size: '10', min_pool_size: '6', server_round_robin: '1' },
    };
    for (const [shape, settings] of Object.entries(shapes)) {
      s.test(`pgbouncer in transaction mode is refused by name: ${shape}`, async () => {
        await withPgbouncer({ pool_mode: 'transaction', ...settings }, async (url) => {
          assert.is(await attempt(url), 'refused postgres.pooler transaction');
        });
      });
      s.test(`pgbouncer in session mode gives sessions, and no connection strings: ${shape}`, async () => {
        await withPgbouncer({ pool_mode: 'session', ...settings }, async (url) => {
          assert.is(await attempt(url), 'refused postgres.pooler session');
        });
      });
    }
  }
});
