import { lakeFolder } from '../base/lake-folder.ts';
import type { Config } from '../config.ts';
import type { Connection } from '../connector.ts';
import type { Plan, PlannedNode } from '../plan.ts';

/** A dataset by OpenLineage's naming rules (openlineage.io/docs/spec/naming). */
export interface Dataset {
  readonly namespace: string;
  readonly name: string;
}

/** A Postgres database as other programs name it. */
export interface Server {
  readonly host: string;
  /** undefined: one that the engine runs itself, whose port is another one at each start. */
  readonly port: number | undefined;
  readonly database: string;
}

/** What a node reads and writes. */
export interface NodePlaces {
  readonly source?: { readonly server: Server; readonly schema: string; readonly name: string };
  /** The lake's dataset, and the folder of the table in it. */
  readonly lake?: Dataset & { readonly folder: string };
  readonly sink?: { readonly server: Server; readonly schema: string; readonly name: string };
}

export interface PlacesParts {
  readonly config: Config;
  readonly plan: Plan;
  connection(kind: 'source' | 'sink', name: string): Promise<Connection>;
}

/** What each node of the plan reads and writes, and the database that dbt builds in. What cannot be told (a URL that cannot be read) is left out: the run says by itself what is wrong. */
export interface Places {
  node(id: string): NodePlaces;
  readonly warehouse: Server | undefined;
}

export const noPlaces: Places = { node: () => ({}), warehouse: undefined };

export async function placesOf(parts: PlacesParts): Promise<Places> {
  const { config, plan } = parts;
  const known = new Map<string, Promise<Server | undefined>>();
  const server = (kind: 'source' | 'sink', name: string): Promise<Server | undefined> => {
    const id = `${kind} ${name}`;
    const found = known.get(id) ?? serverOf(parts, kind, name);
    known.set(id, found);
    return found;
  };
  const nodes = new Map<string, NodePlaces>();
  for (const node of plan.nodes) nodes.set(node.id, await placesOfNode(config, node, server));
  const warehouse = config.dbt === undefined ? undefined : await server('sink', config.dbt.sink);
  return { node: (id) => nodes.get(id) ?? {}, warehouse };
}

async function placesOfNode(
  config: Config,
  { options, table: tableName }: PlannedNode,
  server: (kind: 'source' | 'sink', name: string) => Promise<Server | undefined>,
): Promise<NodePlaces> {
  if (tableName === undefined) return {};
  const { source, sink, table, into } = options as {
    readonly source?: unknown;
    readonly sink?: unknown;
    readonly table?: { readonly relation?: { readonly schema: string; readonly name: string } };
    readonly into?: { readonly schema: string; readonly name: string };
  };
  const from = typeof source === 'string' ? await server('source', source) : undefined;
  const to = typeof sink === 'string' ? await server('sink', sink) : undefined;
  const relation = table?.relation;
  return {
    lake: lakeDataset(config.lake, lakeFolder(tableName)),
    ...(from === undefined || relation === undefined ? {} : { source: { server: from, schema: relation.schema, name: relation.name } }),
    ...(to === undefined || into === undefined ? {} : { sink: { server: to, schema: into.schema, name: into.name } }),
  };
}

async function serverOf({ connection }: PlacesParts, kind: 'source' | 'sink', name: string): Promise<Server | undefined> {
  try {
    const { database } = await connection(kind, name);
    if (database === undefined) return undefined;
    // It is not started for its name.
    if (database.embedded !== undefined) return { host: 'embedded', port: undefined, database: name };
    const parameters = await database.parameters();
    return { host: parameters.host, port: parameters.port, database: parameters.database };
  } catch {
    return undefined;
  }
}

function lakeDataset(lake: Config['lake'], folder: string): NonNullable<NodePlaces['lake']> {
  if (lake.type === 'file') return { namespace: 'file', name: `${lake.path}/${folder}`, folder };
  return { namespace: `s3://${lake.bucket}`, name: lake.prefix === '' ? folder : `${lake.prefix}/${folder}`, folder };
}

/** A table of a Postgres database. */
export function tableDataset(server: Server, schema: string, name: string): Dataset {
  return { namespace: namespaceOf(server), name: `${server.database}.${schema}.${name}` };
}

/** `postgres://host:port`; an IPv6 address in brackets, a folder of sockets percent-encoded, as in a URL. */
export function namespaceOf({ host, port }: Server): string {
  const shown = host.startsWith('/') ? encodeURIComponent(host) : host.includes(':') ? `[${host}]` : host;
  return `postgres://${shown}${port === undefined ? '' : `:${port}`}`;
}
