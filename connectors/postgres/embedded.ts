import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseParameters, EmbeddedServer } from '../../engine/connector.ts';
import { EngineError } from '../../engine/error.ts';
import { openSession } from './connect.ts';
import { serverAccount } from './embedded/account.ts';
import { findBinaries } from './embedded/binaries.ts';
import { type Cluster, initialise, type RunningServer, runningServer, start, stop } from './embedded/cluster.ts';
import { dataFolder, passwordOf, removeData } from './embedded/place.ts';
import { isAlive, machineIdentity, ownIdentity, type ProcessIdentity, uniqueName } from './embedded/process.ts';
import { inTurn } from './embedded/turn.ts';
import { postgresError } from './error.ts';
import { quoteIdentifier } from './identifier.ts';

/** Which server, and how it is run. */
export interface EmbeddedOptions {
  /** Absolute path of the project. */
  readonly root: string;
  /** The name in the configuration; its database has the same one. */
  readonly name: string;
  /** Further settings, as `postgres -c` takes them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** For tests: empty at each start, removed when stopped, not synced. */
  readonly temporary?: boolean;
}

/**
 * A real Postgres server that the engine runs itself, under `<root>/.engine/postgres/<name>/`, on 127.0.0.1 with a password.
 * Processes that use it at the same time share it; the last one stops it, unless it is kept. Users that were killed do not count.
 */
export interface Embedded extends EmbeddedServer {
  /** Starts or joins it; called again, it looks whether the server still runs and starts it anew when it was killed. Throws EngineErrors `embedded.*`. */
  open(): Promise<DatabaseParameters>;
  /** How it is reached, where it runs; undefined where it does not. Starts nothing, and is no use of it: it may be stopped at any time. */
  peek(): Promise<DatabaseParameters | undefined>;
  /** Ends this use of it; stops the server when nobody else uses it. */
  close(): Promise<void>;
  /** The file that stands for this use while it is open. */
  lease(): string | undefined;
}

type Stopped = Awaited<ReturnType<EmbeddedServer['stop']>>;

const user = 'engine';
const turnTimeoutMs = 120_000;
const startTimeoutMs = 90_000;
const stopTimeoutMs = 30_000;

/** The folder of a server's files. */
export function embeddedFolder(root: string, name: string): string {
  return join(root, '.engine', 'postgres', encodeURIComponent(name).replace(/^\./, '%2E'));
}

interface Open {
  readonly cluster: Cluster;
  readonly server: RunningServer;
  readonly lease: string;
}

/** A handle on the server; nothing is started before `open`. */
export function openEmbedded(options: EmbeddedOptions): Embedded {
  const folder = embeddedFolder(options.root, options.name);
  const users = join(folder, 'users');
  const keepFile = join(folder, 'keep');
  let current: Open | undefined;
  /** One of `open`, `close`, `keep`, `stop` of this handle after the other. */
  let queue: Promise<unknown> = Promise.resolve();

  function inOrder<T>(work: () => Promise<T>): Promise<T> {
    const next = queue.then(work, work);
    queue = next.catch(() => undefined);
    return next;
  }

  async function turn<T>(work: () => Promise<T>): Promise<T> {
    try {
      await mkdir(users, { recursive: true });
      return await inTurn(join(folder, 'turn'), turnTimeoutMs, work);
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      if (error instanceof EngineError || code === undefined || !['EACCES', 'EPERM', 'EROFS', 'ENOSPC'].includes(code)) throw error;
      const full = code === 'ENOSPC';
      throw new EngineError(
        'outside',
        full ? 'embedded.disk-full' : 'embedded.denied',
        `embedded Postgres: cannot write ${path ?? folder}: ${full ? 'the disk is full' : code}`,
        {
          cause: error,
          hint: full ? 'Make room on that disk.' : 'The folder belongs to another user, or is read-only: run the engine as its owner.',
        },
      );
    }
  }

  async function cluster(): Promise<Cluster> {
    const account = await serverAccount(join(folder, 'data'), options.root);
    const data = await dataFolder(folder, account);
    const password = await passwordOf(folder, data);
    return {
      data,
      log: join(folder, 'postgres.log'),
      account,
      user,
      password,
      settings: options.settings ?? {},
      durable: options.temporary !== true,
    };
  }

  async function running(of: Cluster): Promise<RunningServer> {
    const found = await runningServer(of, startTimeoutMs);
    if (found !== undefined) return found;
    if (options.temporary === true) await rm(of.data, { recursive: true, force: true });
    const binaries = await findBinaries(of.account);
    await initialise(of, binaries);
    return await start(of, binaries, startTimeoutMs);
  }

  /** The database is looked for on a running server too: whoever started it may have been killed before. A server that is killed meanwhile is started again. */
  async function withDatabase(of: Cluster): Promise<RunningServer> {
    for (let attempt = 1; ; attempt++) {
      const server = await running(of);
      try {
        await createDatabase(parametersOf(of, server, 'postgres'), options.name);
        return server;
      } catch (error) {
        if (attempt >= 3 || !(error instanceof EngineError && error.retryable)) throw error;
      }
    }
  }

  function parametersOf(of: Cluster, server: RunningServer, database: string): DatabaseParameters {
    return {
      host: '127.0.0.1',
      port: server.port,
      user,
      password: of.password,
      database,
      sslmode: 'disable',
      sslrootcert: undefined,
      sslcert: undefined,
      sslkey: undefined,
      connectTimeoutMs: 10_000,
    };
  }

  async function open(): Promise<DatabaseParameters> {
    if (current !== undefined) {
      const still = await runningServer(current.cluster, 0);
      if (still !== undefined && still.pid === current.server.pid) return parametersOf(current.cluster, current.server, options.name);
    }
    return await turn(async () => {
      const of = await cluster();
      const server = await withDatabase(of);
      const lease = current?.lease ?? join(users, `${uniqueName()}.json`);
      await writeFile(lease, JSON.stringify(await ownIdentity()));
      current = { cluster: of, server, lease };
      return parametersOf(of, server, options.name);
    });
  }

  async function peek(): Promise<DatabaseParameters | undefined> {
    // What follows would make folders.
    const started = await stat(join(folder, 'data', 'postmaster.pid')).catch(() => undefined);
    if (started === undefined) return undefined;
    const of = await cluster();
    const server = await runningServer(of, 0);
    return server === undefined ? undefined : parametersOf(of, server, options.name);
  }

  /** True when a live process uses it; leases of dead ones are removed. */
  async function inUse(): Promise<boolean> {
    let used = false;
    for (const name of await readdir(users)) {
      const file = join(users, name);
      const text = await readFile(file, 'utf8').catch(() => '');
      if (text !== '' && (await isAlive(JSON.parse(text) as ProcessIdentity))) used = true;
      else await rm(file, { force: true });
    }
    return used;
  }

  async function kept(): Promise<boolean> {
    const text = await readFile(keepFile, 'utf8').catch(() => undefined);
    return text !== undefined && text === (await machineIdentity());
  }

  /** In turn. */
  async function stopUnlessUsed(): Promise<Stopped> {
    const of = await cluster();
    const server = await runningServer(of, 0);
    if (await inUse()) return 'in use';
    if (server !== undefined) await stop(of, server, stopTimeoutMs);
    if (options.temporary === true) await removeData(folder, of.data);
    return server === undefined ? 'not running' : 'stopped';
  }

  async function endUse(): Promise<void> {
    if (current !== undefined) await rm(current.lease, { force: true });
    current = undefined;
  }

  return {
    folder,
    open: () => inOrder(open),
    isRunning: async () => existsSync(users) && (await runningServer(await cluster(), 0)) !== undefined,
    peek,
    close: () =>
      inOrder(async () => {
        if (current === undefined) return;
        await turn(async () => {
          await endUse();
          if (!(await kept())) await stopUnlessUsed();
        });
      }),
    keep: () =>
      inOrder(async () => {
        await open();
        await writeFile(keepFile, await machineIdentity());
      }),
    stop: () =>
      inOrder(async () => {
        if (
          !(await readdir(folder).then(
            () => true,
            () => false,
          ))
        )
          return 'not running';
        return await turn(async () => {
          await rm(keepFile, { force: true });
          await endUse();
          return await stopUnlessUsed();
        });
      }),
    lease: () => current?.lease,
  };
}

async function createDatabase(parameters: DatabaseParameters, name: string): Promise<void> {
  const { client } = await openSession(parameters, 'embedded');
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${quoteIdentifier(name)}`);
  } catch (error) {
    throw postgresError(error, `creating database ${name} on its embedded server`);
  } finally {
    await client.end();
  }
}
