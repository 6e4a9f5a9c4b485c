import type { Client } from 'pg';
import { type Lazy, lazy } from '../../engine/base/lazy.ts';
import type { CatalogTable, Lease, NodeContext, Source } from '../../engine/connector.ts';
import { EngineError } from '../../engine/error.ts';
import type { LogLevel } from '../../engine/event.ts';
import { connectDuckDB, type DuckDBConnection, type DuckDBInstance, openDuckDB } from '../../lake/duckdb.ts';
import { readCatalog } from './catalog.ts';
import { findPostgresExtension } from './extension.ts';
import type { MaskKey } from './mask.ts';
import type { PostgresServer } from './server.ts';
import { openSnapshot, type SharedSnapshot } from './snapshot.ts';

/** What an extract may use of DuckDB. */
export interface ExtractSettings {
  readonly memoryBytes: number;
  readonly threads: number;
  /** Ranges of one table that are read at once. */
  readonly connections: number;
  readonly extensionFolder: string | undefined;
  /** Where DuckDB spills to. */
  readonly tempFolder: string;
}

/** A Postgres database to extract from, for one command or run. */
export interface PostgresSource extends Source {
  readonly server: PostgresServer;
  /** What columns are hashed with; undefined: there is no salt. */
  readonly maskKey: MaskKey | undefined;
  /** How much an extract may do at once. */
  readonly reading: { readonly memoryBytes: number; readonly connections: number };
  /** Runs a few short statements on the session for metadata, outside any transaction; one caller at a time, in the order of asking. */
  control<T>(body: (client: Client) => Promise<T>): Promise<T>;
  /** The snapshot that all tables of this run are read under. The first to ask takes the leases of the whole group, then looks at the lake's versions, then reads the fence, then opens it. */
  join(context: NodeContext, group: readonly string[], folder: string, lake: GroupLake): Promise<Membership>;
  /** A DuckDB connection with the postgres extension loaded. The caller closes it. */
  duckdb(): Promise<DuckDBConnection>;
}

/** What a group asks of the lake. */
export interface GroupLake {
  readonly leaseName: (folder: string) => string;
  /** The newest version of that table; -1 for none. */
  readonly versionOf: (folder: string) => Promise<number>;
}

/** A table's part in the shared snapshot. */
export interface Membership {
  readonly snapshot: SharedSnapshot;
  /** The lake's version before the snapshot: what was committed since, by an engine that knows nothing of this lease, is newer than what the snapshot sees. */
  readonly lakeVersion: number;
  readonly lease: Lease;
  /** The table is committed: gives its lease back; the last one closes the snapshot. */
  leave(): Promise<void>;
}

interface Group {
  readonly snapshot: SharedSnapshot;
  readonly leases: Map<string, Lease>;
  readonly versions: ReadonlyMap<string, number>;
  committed: number;
}

/** Narrows a source to this connector's own kind. */
export function postgresSource(source: Source): PostgresSource {
  if ('server' in source && 'join' in source) return source as PostgresSource;
  throw new EngineError('usage', 'extract.no-postgres', 'this source is no Postgres database');
}

/** A source on that server. Nothing is connected before it is used; `close` ends everything. */
export function createSource(
  server: PostgresServer,
  settings: ExtractSettings,
  maskKey: MaskKey | undefined,
  log: (level: LogLevel, text: string) => void,
): PostgresSource & { close(): Promise<void> } {
  const openControl = async (): Promise<Client> => {
    const client = await server.connect('control');
    client.on('error', () => control.forget());
    client.on('end', () => control.forget());
    return client;
  };

  const openDuck = async (): Promise<DuckDBInstance> => {
    const extension = await findPostgresExtension({ folder: settings.extensionFolder, log });
    const instance = await openDuckDB(settings);
    const connection = await connectDuckDB(instance);
    try {
      await connection.run(`LOAD '${extension.replaceAll("'", "''")}'`);
      return instance;
    } catch (cause) {
      instance.closeSync();
      throw new EngineError(
        'outside',
        'duckdb.extension-refused',
        `DuckDB did not load its postgres extension from ${extension}: ${String(cause)}`,
        {
          cause,
          hint: "Remove that file and run `engine setup`; its version must be the one of @duckdb/node-api, its signature DuckDB's own",
        },
      );
    } finally {
      connection.closeSync();
    }
  };

  const openGroup = async (context: NodeContext, folders: readonly string[], lake: GroupLake): Promise<Group> => {
    const leases = new Map<string, Lease>();
    try {
      for (const folder of [...folders].sort()) leases.set(folder, await context.lease(lake.leaseName(folder)));
      const versions = new Map<string, number>();
      for (const folder of folders) versions.set(folder, await lake.versionOf(folder));
      return { versions, snapshot: await openSnapshot(server, context.clock, context.signal), leases, committed: 0 };
    } catch (error) {
      for (const lease of leases.values()) await lease.release().catch((e: unknown) => log('debug', String(e)));
      throw error;
    }
  };

  const closeGroup = async (open: Group): Promise<void> => {
    for (const lease of open.leases.values()) await lease.release().catch((e: unknown) => log('debug', String(e)));
    await open.snapshot.close();
  };

  const control = lazy(openControl);
  const duck = lazy(openDuck);
  let group: Lazy<Group> | undefined;
  /** Of a group whose snapshot was lost. */
  let closing: Promise<void> = Promise.resolve();
  let turn: Promise<unknown> = Promise.resolve();

  const inTurn = <T>(body: (client: Client) => Promise<T>): Promise<T> => {
    const mine = turn.then(async () => body(await control.get()));
    turn = mine.catch(() => undefined);
    return mine;
  };

  return {
    server,
    maskKey,
    reading: settings,
    catalog: (): Promise<readonly CatalogTable[]> => inTurn(readCatalog),
    control: inTurn,
    async join(context, folders, folder, lake) {
      const before = group;
      const open = await before?.peek()?.catch(() => undefined);
      if (open !== undefined) {
        try {
          open.snapshot.check();
        } catch (lost) {
          if (open.committed > 0) throw lostForGood(lost);
          if (group === before) {
            group = undefined;
            closing = closing.then(() => closeGroup(open));
          }
        }
      }
      // Who joins will need DuckDB: it gets ready while the fence is read. What it fails with is told to whoever asks for it.
      duck.get().catch(() => undefined);
      group ??= lazy(async () => {
        // The leases that are being given back are asked for again.
        await closing;
        return openGroup(context, folders.includes(folder) ? folders : [...folders, folder], lake);
      });
      const mine = group;
      const joined = await mine.get();
      const lease = joined.leases.get(folder) ?? (await context.lease(lake.leaseName(folder)));
      joined.leases.set(folder, lease);
      return {
        snapshot: joined.snapshot,
        lakeVersion: joined.versions.get(folder) ?? -1,
        lease,
        leave: async () => {
          joined.committed += 1;
          joined.leases.delete(folder);
          await lease.release();
          if (joined.leases.size > 0) return;
          if (group === mine) group = undefined;
          await joined.snapshot.close();
        },
      };
    },
    duckdb: async () => connectDuckDB(await duck.get()),
    async close() {
      const open = await group?.peek()?.catch(() => undefined);
      group = undefined;
      if (open !== undefined) await closeGroup(open);
      const client = await control.peek()?.catch(() => undefined);
      await client?.end().catch(() => undefined);
      (await duck.peek()?.catch(() => undefined))?.closeSync();
    },
  };
}

/** Tables were committed under a snapshot that is gone: the others cannot be read as of the same moment any more. */
function lostForGood(lost: unknown): unknown {
  if (!(lost instanceof EngineError)) return lost;
  return new EngineError(lost.trouble, lost.code, lost.message, {
    cause: lost.cause,
    hint: 'Tables of one run are read as of one moment, so it does not go on with another: run it again, or `engine retry`',
  });
}
