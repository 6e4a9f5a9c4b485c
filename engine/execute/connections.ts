import type { JsonObject } from '../base/json.ts';
import type { Config, LakeConfig } from '../config.ts';
import type { Connection, ConnectionScope, Connector, Roles } from '../connector.ts';
import { EngineError } from '../error.ts';

export type ConnectionKind = 'source' | 'sink' | 'lake' | 'dbt' | 'state';

/** The configured links, each opened once and the same one each time. */
export interface Connections {
  /** Opens it when it is not open yet. */
  get(kind: ConnectionKind, name: string): Promise<Connection>;
  /** Opens all that the configuration has (cheap: servers are reached on first use), so that `role` can answer. */
  openAll(): Promise<void>;
  /** The role of an open link; `source` and `sink` by their names, `lake` is called `lake`. EngineError `connection.unknown` otherwise. */
  role<R extends keyof Roles>(name: string, role: R): Roles[R];
  /** Closes the last opened first. Never throws; safe to call twice. */
  close(): Promise<void>;
}

/** Links of one command or run. `connector` gives a kind of system by its type. */
export function openConnections(config: Config, connector: (type: string) => Promise<Connector>, scope: ConnectionScope): Connections {
  const open = new Map<string, Promise<Connection>>();
  const ready = new Map<string, Connection>();
  let closed = false;

  const get = (kind: ConnectionKind, name: string): Promise<Connection> => {
    if (closed) return Promise.reject(new EngineError('stopped', 'connection.closed', `the connection ${name} is closed`));
    const id = `${kind} ${name}`;
    const known = open.get(id);
    if (known !== undefined) return known;
    const opening = (async () => {
      const { type, settings } = settingsOf(config, kind, name);
      const connection = (await connector(type)).open(name, settings, scope);
      ready.set(id, connection);
      return connection;
    })();
    open.set(id, opening);
    return opening;
  };

  return {
    get,
    async openAll() {
      for (const name of Object.keys(config.sources)) await get('source', name);
      for (const name of Object.keys(config.sinks)) await get('sink', name);
      await get('lake', 'lake');
      if (config.dbt !== undefined) await get('dbt', 'dbt');
    },
    role<R extends keyof Roles>(name: string, role: R): Roles[R] {
      for (const kind of kindsWith(role)) {
        const found = ready.get(`${kind} ${name}`)?.[role] as Roles[R] | undefined;
        if (found !== undefined) return found;
      }
      throw new EngineError('usage', 'connection.unknown', `nothing named ${name} can be used as a ${role}`, {
        hint: 'Look at the names under sources, sinks and lake in pipelines.yaml.',
      });
    },
    async close() {
      closed = true;
      for (const opening of [...open.values()].reverse()) await (await opening.catch(() => undefined))?.close();
    },
  };
}

/** Where a role is looked for, in this order: a source and a sink may have one name. */
function kindsWith(role: keyof Roles): readonly ConnectionKind[] {
  if (role === 'source') return ['source'];
  if (role === 'sink') return ['sink'];
  if (role === 'lake') return ['lake'];
  return ['sink', 'source', 'dbt'];
}

/** The settings of every configured link of one kind of system. */
export function settingsOfType(config: Config, type: string): readonly JsonObject[] {
  const links: readonly (readonly [ConnectionKind, string])[] = [
    ...Object.keys(config.sources).map((name) => ['source', name] as const),
    ...Object.keys(config.sinks).map((name) => ['sink', name] as const),
    ['lake', 'lake'],
    ...(config.dbt === undefined ? [] : [['dbt', 'dbt'] as const]),
  ];
  return links.map(([kind, name]) => settingsOf(config, kind, name)).flatMap((link) => (link.type === type ? [link.settings] : []));
}

/** What a connector's `open` is given, as plain data; `extract` (memory and threads of DuckDB, the extension's folder) goes to every Postgres link. */
export function settingsOf(config: Config, kind: ConnectionKind, name: string): { readonly type: string; readonly settings: JsonObject } {
  const extract: JsonObject = {
    memoryBytes: config.extract.memoryBytes,
    threads: config.extract.threads,
    connections: config.extract.connections,
    extensionFolder: config.extract.extensionFolder ?? null,
  };
  const unknown = (known: readonly string[]): EngineError =>
    new EngineError('usage', 'connection.unknown', `there is no ${kind} named ${name}`, {
      hint: known.length === 0 ? `Add one under ${kind}s in pipelines.yaml.` : `Known: ${known.join(', ')}.`,
    });
  switch (kind) {
    case 'source': {
      const source = config.sources[name];
      if (source === undefined) throw unknown(Object.keys(config.sources));
      return { type: source.type, settings: { url: source.url, extract, maskSalt: config.masking.salt ?? null } };
    }
    case 'sink': {
      const sink = config.sinks[name];
      if (sink === undefined) throw unknown(Object.keys(config.sinks));
      return { type: sink.type, settings: { url: sink.url, schema: sink.schema, extract } };
    }
    case 'lake':
      return { type: config.lake.type, settings: lakeSettings(config.lake) };
    case 'dbt': {
      if (config.dbt === undefined) throw unknown([]);
      return { type: 'dbt', settings: { project: config.dbt.project, command: config.dbt.command ?? null, sink: config.dbt.sink } };
    }
    case 'state': {
      if (config.state.type !== 'postgres') throw unknown([]);
      return { type: 'postgres', settings: { url: config.state.url, schema: config.state.schema, extract } };
    }
  }
}

/** What the connector of a lake is given to open it. */
export function lakeSettings(lake: LakeConfig): JsonObject {
  if (lake.type === 'file') return { path: lake.path };
  const { bucket, prefix, checksums } = lake;
  return {
    bucket,
    prefix,
    checksums,
    region: lake.region ?? null,
    endpoint: lake.endpoint ?? null,
    forcePathStyle: lake.forcePathStyle ?? null,
    caFile: lake.caFile ?? null,
  };
}
