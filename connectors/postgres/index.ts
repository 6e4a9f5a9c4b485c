import { join } from 'node:path';
import type { JsonObject } from '../../engine/base/json.ts';
import type { Connection, ConnectionScope, Connector } from '../../engine/connector.ts';
import { extract } from './extract.ts';
import { load } from './load.ts';
import { maskKeyOf } from './mask.ts';
import { openServer } from './open-server.ts';
import { prepare } from './prepare.ts';
import type { PostgresSink } from './sink.ts';
import { createSource } from './source.ts';
import { truncate } from './truncate.ts';

interface Settings {
  readonly url: string;
  readonly schema?: string;
  /** Of a source: what columns are hashed with. */
  readonly maskSalt?: string | null;
  readonly extract: {
    readonly memoryBytes: number;
    readonly threads: number;
    readonly connections: number;
    readonly extensionFolder: string | null;
  };
}

/** Postgres: a source to extract from, a sink to load into, a database for others. Nothing is connected before a role is used. */
export const connector: Connector = {
  type: 'postgres',
  nodes: [extract, truncate, load],
  prepare,
  open(name: string, given: JsonObject, scope: ConnectionScope): Connection {
    const settings = given as unknown as Settings;
    const server = openServer(name, { url: settings.url }, scope);
    const duckdb = {
      memoryBytes: settings.extract.memoryBytes,
      threads: settings.extract.threads,
      connections: settings.extract.connections,
      extensionFolder: settings.extract.extensionFolder ?? undefined,
      tempFolder: join(scope.root, '.engine', 'tmp'),
    };
    const source = createSource(server, duckdb, settings.maskSalt == null ? undefined : maskKeyOf(settings.maskSalt), scope.log);
    const later = new Set<Promise<void>>();
    const sink: PostgresSink = {
      server,
      schema: settings.schema ?? 'staging',
      duckdb,
      later: (work) => {
        later.add(work);
      },
    };
    return {
      name,
      type: 'postgres',
      source,
      sink,
      database: {
        parameters: () => server.parameters(),
        connect: (label) => server.connect(label),
        ...(server.embedded === undefined ? {} : { embedded: server.embedded }),
      },
      checkup: async (request) => (await import('./checkup.ts')).checkup(server, sink.schema, request, duckdb.extensionFolder),
      look: async (request) => (await import('./look.ts')).look(server, request),
      preview: async (request) => (await import('./preview.ts')).preview(server, request),
      async close() {
        await source.close();
        await Promise.all(later);
        await server.close();
      },
    };
  },
};
