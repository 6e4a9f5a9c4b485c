import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type Embedded, openEmbedded } from '../../connectors/postgres/embedded.ts';
import { quoteIdentifier } from '../../connectors/postgres/identifier.ts';
import type { DatabaseParameters } from '../../engine/connector.ts';

/** A real Postgres 18 server for tests. */
export interface TestServer {
  /** The superuser `engine` in the database `test`. */
  parameters(): Promise<DatabaseParameters>;
  /** A session on the database `test`, with the server's own defaults. The caller ends it. */
  client(): Promise<pg.Client>;
}

/** A database of one test; the server's superuser owns it. */
export interface TestDatabase {
  readonly name: string;
  /** `postgresql://engine:...@127.0.0.1:port/name?sslmode=disable`. */
  readonly url: string;
  readonly parameters: DatabaseParameters;
  /** A plain `pg` session with the server's defaults; `drop` ends those that are still open. */
  client(): Promise<pg.Client>;
  /** Ends every session on it and removes it. Safe to call twice. */
  drop(): Promise<void>;
}

/** Settings of the server that tests share. */
const settings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  max_prepared_transactions: '50',
  shared_buffers: '64MB',
};
const sharedRoot = join(import.meta.dirname, '..', '..', '.engine', 'test');
const shared: Embedded = openEmbedded({ root: sharedRoot, name: 'test', settings, temporary: true });
let hooked = false;

/** The server is stopped when the process has nothing more to do; on an early end another process does it, because `exit` cannot wait. */
function stopAtEnd(): void {
  if (hooked) return;
  hooked = true;
  process.on('beforeExit', () => {
    if (shared.lease() !== undefined) void shared.close();
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => process.exit(code));
  process.on('exit', () => {
    const lease = shared.lease();
    if (lease === undefined) return;
    rmSync(lease, { force: true });
    spawnSync(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'stop-postgres.ts')], { timeout: 30_000, stdio: 'ignore' });
  });
}

async function connect(parameters: DatabaseParameters): Promise<pg.Client> {
  const client = new pg.Client({ ...parameters, ssl: false });
  // A session that is ended by `drop` says so here; a query on it fails all the same.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** The server that all test files of this project share while they run; started by the first, stopped and removed by the last. Databases are what tests keep apart. */
export async function testServer(): Promise<TestServer> {
  stopAtEnd();
  await shared.open();
  return { parameters: () => shared.open(), client: async () => await connect(await shared.open()) };
}

/** Ends the shared server when no live process uses it: for a process that could not do it itself. */
export async function stopTestServer(): Promise<void> {
  await shared.stop();
}

/** A new empty database on the shared server. `prefix` starts its name. */
export async function freshDatabase(prefix: string): Promise<TestDatabase> {
  const server = await testServer();
  const admin = await server.parameters();
  const name = `${prefix}_${randomBytes(4).toString('hex')}`;
  const control = await connect(admin);
  try {
    await control.query(`CREATE DATABASE ${quoteIdentifier(name)}`);
  } finally {
    await control.end();
  }
  const parameters: DatabaseParameters = { ...admin, database: name };
  const password = encodeURIComponent(parameters.password ?? '');
  const url = `postgresql://${parameters.user}:${password}@${parameters.host}:${parameters.port}/${encodeURIComponent(name)}?sslmode=disable`;
  const clients = new Set<pg.Client>();
  let dropped = false;
  return {
    name,
    url,
    parameters,
    client: async () => {
      const client = await connect(parameters);
      clients.add(client);
      client.once('end', () => clients.delete(client));
      return client;
    },
    drop: async () => {
      if (dropped) return;
      dropped = true;
      await Promise.all([...clients].map((client) => client.end()));
      const last = await connect(await shared.open());
      try {
        await last.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`);
      } finally {
        await last.end();
      }
    },
  };
}

/** A server for one test alone, with its own settings, in a temporary folder: for tests that kill, restart or reconfigure it. `remove` stops it and removes the folder. */
export async function ownServer(
  more: Readonly<Record<string, string>> = {},
): Promise<TestServer & { readonly embedded: Embedded; remove(): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'engine-test-'));
  // Others may enter, or root's server would put its data elsewhere.
  await chmod(root, 0o755);
  const embedded = openEmbedded({ root, name: 'test', settings: { ...settings, ...more }, temporary: true });
  return {
    embedded,
    parameters: () => embedded.open(),
    client: async () => await connect(await embedded.open()),
    remove: async () => {
      await embedded.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
