import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { serverAccount } from '../../connectors/postgres/embedded/account.ts';
import { type Binaries, findBinaries } from '../../connectors/postgres/embedded/binaries.ts';
import { type Cluster, start as startServer, stop as stopServer } from '../../connectors/postgres/embedded/cluster.ts';

const run = promisify(execFile);

/** A data folder of a test's own, and the server on it: for what one server cannot show (standbys, promotions, other versions). */
export interface TestCluster {
  /** Of the superuser `engine`. Changes with each start. */
  url(database?: string): string;
  client(database?: string): Promise<pg.Client>;
  /** Settings of this start only, as `postgres -c` takes them. */
  start(settings?: Readonly<Record<string, string>>): Promise<void>;
  stop(): Promise<void>;
  /** A running standby from a cold copy of this stopped cluster, which is started again. */
  standby(): Promise<TestCluster>;
}

/** Clusters in one temporary folder. */
export interface TestClusters {
  /** A new, running cluster; by the embedded binaries where no others are given. */
  create(name: string, settings?: Readonly<Record<string, string>>, binaries?: Binaries): Promise<TestCluster>;
  /** Stops all of them and removes the folder. */
  close(): Promise<void>;
}

const password = randomBytes(12).toString('hex');
const defaults = {
  fsync: 'off',
  shared_buffers: '16MB',
  max_connections: '40',
  max_prepared_transactions: '10',
  wal_level: 'logical',
  wal_keep_size: '64MB',
};
const patienceMs = 60_000;

/** A server of Debian's own, with its major version; undefined where none is installed. */
export function debianServer(): (Binaries & { readonly major: string }) | undefined {
  const home = '/usr/lib/postgresql';
  const majors = existsSync(home) ? readdirSync(home).filter((m) => existsSync(join(home, m, 'bin', 'initdb'))) : [];
  const major = majors.sort((a, b) => Number(b) - Number(a))[0];
  if (major === undefined) return undefined;
  return { major, version: major, initdb: join(home, major, 'bin', 'initdb'), postgres: join(home, major, 'bin', 'postgres') };
}

/** Ends the servers and removes the folder when this process is gone, however it went: the pipe that it reads closes then. */
const watch = `cat > /dev/null
for file in "$0"/*/data/postmaster.pid; do
  [ -f "$file" ] || continue
  pid=$(head -n 1 "$file")
  kill -QUIT "$pid" 2> /dev/null || continue
  while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
done
rm -rf "$0"`;

/** Opens a folder for clusters; nothing runs before `create`. */
export async function openClusters(): Promise<TestClusters> {
  const root = await mkdtemp(join(tmpdir(), 'engine-clusters-'));
  await chmod(root, 0o755);
  const watcher = spawn('sh', ['-c', watch, root], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  watcher.unref();
  (watcher.stdin as Socket).unref();
  const all: TestCluster[] = [];

  const clusterIn = async (name: string, binaries: Binaries, settings: Readonly<Record<string, string>>): Promise<TestCluster> => {
    const folder = join(root, name);
    const data = join(folder, 'data');
    const account = await serverAccount(data, root);
    let running: { readonly cluster: Cluster; readonly server: Awaited<ReturnType<typeof startServer>> } | undefined;
    let lastGiven = settings;
    const url = (database = 'postgres'): string => {
      if (running === undefined) throw new Error(`cluster ${name} does not run`);
      return `postgresql://engine:${password}@127.0.0.1:${running.server.port}/${database}?sslmode=disable`;
    };
    const stop = async (): Promise<void> => {
      if (running === undefined) return;
      const { cluster, server } = running;
      running = undefined;
      await stopServer(cluster, server, patienceMs);
    };
    const start = async (given: Readonly<Record<string, string>> = {}): Promise<void> => {
      await stop();
      lastGiven = { ...settings, ...given };
      const cluster: Cluster = {
        data,
        log: join(folder, 'postgres.log'),
        account,
        user: 'engine',
        password,
        settings: { ...defaults, ...lastGiven },
        durable: false,
      };
      running = { cluster, server: await startServer(cluster, binaries, patienceMs) };
    };
    const made: TestCluster = {
      url,
      start,
      stop,
      client: async (database) => {
        const client = new pg.Client({ connectionString: url(database) });
        client.on('error', () => undefined);
        await client.connect();
        return client;
      },
      standby: async () => {
        await stop();
        const copy = join(root, `${name}-standby`);
        await mkdir(copy);
        await cp(data, join(copy, 'data'), { recursive: true, preserveTimestamps: true });
        await writeFile(join(copy, 'data', 'standby.signal'), '');
        await run('chmod', ['0700', join(copy, 'data')]);
        if (account !== undefined) await run('chown', ['-R', `${account.uid >>> 0}:${account.gid >>> 0}`, join(copy, 'data')]);
        await start(lastGiven);
        const { port } = new URL(url());
        const conninfo = `host=127.0.0.1 port=${port} user=engine password=${password} sslmode=disable`;
        const standby = await clusterIn(`${name}-standby`, binaries, {
          ...settings,
          primary_conninfo: conninfo,
          wal_retrieve_retry_interval: '100ms',
        });
        await standby.start();
        return standby;
      },
    };
    all.push(made);
    return made;
  };

  return {
    async create(name, settings = {}, given) {
      const folder = join(root, name);
      const data = join(folder, 'data');
      await mkdir(data, { recursive: true });
      await chmod(data, 0o700);
      const account = await serverAccount(data, root);
      const binaries = given ?? (await findBinaries(account));
      const passwordFile = join(folder, 'password');
      await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
      if (account !== undefined) for (const path of [data, passwordFile]) await chown(path, account.uid >>> 0, account.gid >>> 0);
      await run(
        binaries.initdb,
        ['-D', data, '-U', 'engine', '-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync', `--pwfile=${passwordFile}`],
        { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }, cwd: folder, ...account },
      );
      const made = await clusterIn(name, binaries, settings);
      await made.start();
      return made;
    },
    async close() {
      await Promise.all(all.map((cluster) => cluster.stop()));
      const ended = new Promise((resolve) => watcher.once('exit', resolve));
      watcher.ref();
      watcher.stdin.end();
      await ended;
      await rm(root, { recursive: true, force: true });
    },
  };
}
