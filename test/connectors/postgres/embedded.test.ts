import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import * as assert from 'uvu/assert';
import { processes, processOf } from '../../../connectors/postgres/embedded/process.ts';
import { type Embedded, openEmbedded } from '../../../connectors/postgres/embedded.ts';
import type { DatabaseParameters } from '../../../engine/connector.ts';
import { EngineError } from '../../../engine/error.ts';
import { suite } from '../../support/suite.ts';
import { waitUntil } from '../../support/wait.ts';

const script = join(import.meta.dirname, '..', '..', 'support', 'use-server.ts');
const root = process.getuid?.() === 0;

interface User {
  readonly child: ChildProcess;
  /** The next line that it says. */
  says(): Promise<string>;
  /** Lets it end in order. */
  finish(): Promise<void>;
  kill(): Promise<void>;
}

function startUser(folder: string, command: readonly string[] = []): User {
  const [program = process.execPath, ...more] = [...command, process.execPath, '--import', 'tsx', script, folder, 'db'];
  const child = spawn(program, more, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const ended = once(child, 'close');
  return {
    child,
    says: async () => String((await lines.next()).value),
    finish: async () => {
      child.stdin?.end();
      await ended;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function query(parameters: DatabaseParameters, sql: string): Promise<readonly unknown[][]> {
  const client = new pg.Client({ ...parameters, ssl: false });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows as unknown[][];
  } finally {
    await client.end();
  }
}

async function serverPid(folder: string): Promise<number | undefined> {
  const text = await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text.split('\n')[0]);
}

async function servers(folder: string): Promise<number> {
  return (await processes()).filter((p) => p.command.includes(`-D ${folder}/`)).length;
}

/** A machine at work takes its time to start a server. */
const until = (condition: () => Promise<boolean>, what: string): Promise<void> => waitUntil(condition, what, 60_000);

/** A project in a new folder with the server `db`; afterwards nothing is left of it. */
async function withProject(body: (embedded: Embedded, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'engine-embedded-'));
  await chmod(folder, 0o755);
  const embedded = openEmbedded({ root: folder, name: 'db' });
  try {
    await body(embedded, folder);
  } finally {
    await embedded.stop();
    assert.is(await servers(folder), 0, 'no server is left behind');
    await rm(folder, { recursive: true, force: true });
  }
}

suite('embedded servers', (s) => {
  s.test('a server starts on demand with a database, and is gone after the last use with its data kept', async () => {
    await withProject(async (embedded, folder) => {
      const first = await embedded.open();
      assert.equal(await query(first, 'SELECT current_database(), current_user'), [['db', 'engine']]);
      await query(first, 'CREATE TABLE t AS SELECT 1 AS x');
      assert.is((await stat(join(embedded.folder, 'password'))).mode & 0o777, 0o600);
      await embedded.close();
      assert.is(await servers(folder), 0);
      assert.equal(await query(await embedded.open(), 'SELECT x FROM t'), [[1]]);
      await embedded.close();
    });
  });

  s.test('a peek says how a running server is reached, starts none, and keeps none from being stopped', async () => {
    await withProject(async (embedded, folder) => {
      const onlooker = openEmbedded({ root: folder, name: 'db' });
      assert.is(await onlooker.peek(), undefined);
      const opened = await embedded.open();
      const reached = await onlooker.peek();
      assert.equal(reached, opened);
      assert.ok(reached !== undefined);
      assert.equal(await query(reached, 'SELECT current_database()'), [['db']]);
      await embedded.close();
      assert.is(await servers(folder), 0);
      assert.is(await onlooker.peek(), undefined);
    });
  });

  s.test('a login without the password is refused', async () => {
    await withProject(async (embedded) => {
      const parameters = await embedded.open();
      const error = await query({ ...parameters, password: 'wrong' }, 'SELECT 1').then(
        () => undefined,
        (e: unknown) => e,
      );
      assert.is((error as { code?: string }).code, '28P01');
    });
  });

  s.test('processes that start at once share one server, and the last one stops it', async () => {
    await withProject(async (_, folder) => {
      const users = [1, 2, 3, 4].map(() => startUser(folder));
      const ports = await Promise.all(users.map((user) => user.says()));
      assert.match(ports[0] ?? '', /^\d+$/);
      assert.is(new Set(ports).size, 1);
      assert.is(await servers(folder), 1);
      for (const user of users.slice(1)) await user.finish();
      assert.is(await servers(folder), 1);
      await users[0]?.finish();
      assert.is(await servers(folder), 0);
    });
  });

  s.test('the server of a killed process is taken over by the next one, which stops it', async () => {
    await withProject(async (embedded, folder) => {
      const user = startUser(folder);
      const port = await user.says();
      await user.kill();
      assert.is(await servers(folder), 1);
      assert.is(String((await embedded.open()).port), port);
      await embedded.close();
      assert.is(await servers(folder), 0);
    });
  });

  s.test('stop ends the server of a killed process, and leaves one that is used', async () => {
    await withProject(async (embedded, folder) => {
      const user = startUser(folder);
      await user.says();
      assert.is(await embedded.stop(), 'in use');
      await user.kill();
      assert.is(await embedded.stop(), 'stopped');
      assert.is(await embedded.stop(), 'not running');
    });
  });

  s.test('a process that is killed while it starts the server leaves nothing that stops the next one', async () => {
    await withProject(async (embedded, folder) => {
      for (const sign of ['turn', 'data', 'users', 'pid']) {
        const user = startUser(folder);
        await until(async () => {
          if (sign === 'pid') return (await serverPid(embedded.folder)) !== undefined;
          const names = await readdir(embedded.folder).catch(() => []);
          return names.some((name) => name.startsWith(sign));
        }, `the process gets to ${sign}`);
        await user.kill();
      }
      assert.equal(await query(await embedded.open(), 'SELECT 1'), [[1]]);
      assert.is(await servers(folder), 1);
    });
  });

  s.test('a killed server is started anew by the next use, with its data, though a backend of it still runs', async () => {
    await withProject(async (embedded) => {
      const before = await embedded.open();
      await query(before, 'CREATE TABLE t AS SELECT 1 AS x');
      const busy = new pg.Client({ ...before, ssl: false });
      busy.on('error', () => undefined);
      await busy.connect();
      const lost = busy.query('SELECT count(*) FROM generate_series(1, 20000000000)').catch((error: unknown) => error);
      const watch =
        "SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE 'SELECT count%generate%' AND state = 'active' AND pid <> pg_backend_pid()";
      await until(async () => (await query(before, watch))[0]?.[0] === 1, 'the long query runs');
      const postmaster = (await serverPid(embedded.folder)) ?? 0;
      process.kill(postmaster, 'SIGKILL');
      await until(async () => (await processOf(postmaster)) === undefined, 'the server is gone');
      const after = await embedded.open();
      assert.equal(await query(after, 'SELECT x FROM t'), [[1]]);
      assert.instance(await lost, Error);
      await busy.end().catch(() => undefined);
    });
  });

  s.test('a stale pid file that names another live process is no obstacle', async () => {
    await withProject(async (embedded) => {
      await embedded.open();
      const file = join(embedded.folder, 'data', 'postmaster.pid');
      const text = await readFile(file, 'utf8');
      process.kill((await serverPid(embedded.folder)) ?? 0, 'SIGKILL');
      await until(async () => (await servers(embedded.folder)) === 0, 'the server is gone');
      await writeFile(file, text.replace(/^\d+/, String(process.pid)));
      assert.equal(await query(await embedded.open(), 'SELECT 1'), [[1]]);
    });
  });

  s.test('a kept server runs on when nobody uses it, until it is stopped', async () => {
    await withProject(async (embedded, folder) => {
      await embedded.keep();
      await embedded.close();
      assert.is(await servers(folder), 1);
      const user = startUser(folder);
      await user.says();
      await user.finish();
      assert.is(await servers(folder), 1);
      assert.is(await embedded.stop(), 'stopped');
      assert.is(await servers(folder), 0);
    });
  });

  s.test('stopping what was never started makes no file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'engine-embedded-'));
    assert.is(await openEmbedded({ root: folder, name: 'db' }).stop(), 'not running');
    assert.equal(await readdir(folder), []);
    await rm(folder, { recursive: true });
  });

  s.test('a deep folder with odd characters is no obstacle', async () => {
    await withProject(async (_, folder) => {
      const deep = join(folder, ...Array.from({ length: 6 }, (_x, i) => `a rather long name ${i} with 'quotes' and é`));
      await mkdir(deep, { recursive: true });
      const embedded = openEmbedded({ root: deep, name: 'db' });
      assert.equal(await query(await embedded.open(), 'SELECT 1'), [[1]]);
      await embedded.close();
    });
  });

  s.test('a folder of another version is refused by name', async () => {
    await withProject(async (embedded) => {
      await embedded.open();
      await embedded.close();
      await writeFile(join(embedded.folder, 'data', 'PG_VERSION'), '12\n');
      const error = await embedded.open().catch((e: unknown) => e);
      assert.instance(error, EngineError);
      assert.is((error as EngineError).code, 'embedded.other-version');
    });
  });

  if (!root) s.skip('root and a plain user each start a server', 'this test changes users, which takes root');
  else {
    s.test('a plain user starts a server in a folder of their own', async () => {
      await withProject(async (_, folder) => {
        await chown(folder, 65_534, 65_534);
        const user = startUser(folder, ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']);
        assert.match(await user.says(), /^\d+$/);
        await user.finish();
        assert.is((await stat(join(folder, '.engine'))).uid, 65_534);
      });
    });

    s.test('as root, in a folder that others may not enter, the data lies where the server may go, and goes with the project', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'engine-embedded-'));
      assert.is((await stat(folder)).mode & 0o077, 0);
      const embedded = openEmbedded({ root: folder, name: 'db', temporary: true });
      try {
        const [[data]] = (await query(await embedded.open(), "SELECT current_setting('data_directory')")) as [[string]];
        assert.ok(data.startsWith('/var/lib/pipeline-engine/postgres-data/'));
        await embedded.close();
        assert.is(await stat(data).catch(() => undefined), undefined);
      } finally {
        await embedded.stop();
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
});
