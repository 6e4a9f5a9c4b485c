import type { CommandContext } from '../command.ts';
import type { Database, EmbeddedServer } from '../connector.ts';
import { EngineError } from '../error.ts';

/** A database of the configuration, by its name there. */
export interface NamedDatabase {
  readonly name: string;
  readonly database: Database;
}

/** The sources and sinks whose servers the engine runs itself; nothing is started. */
export async function embeddedDatabases(
  context: CommandContext,
): Promise<readonly (NamedDatabase & { readonly embedded: EmbeddedServer })[]> {
  const config = await context.config();
  const found = new Map<string, NamedDatabase & { readonly embedded: EmbeddedServer }>();
  for (const [kind, names] of [
    ['source', Object.keys(config.sources)],
    ['sink', Object.keys(config.sinks)],
  ] as const)
    for (const name of names) {
      const { database } = await context.connection(kind, name);
      // One folder is one server, also when a source and a sink share a name.
      if (database?.embedded !== undefined) found.set(database.embedded.folder, { name, database, embedded: database.embedded });
    }
  return [...found.values()];
}

/** The source or sink of that name; `source`, `sink` and `warehouse` also stand for the only (or first) one. Throws EngineError `cli.database`. */
export async function namedDatabase(context: CommandContext, wanted: string): Promise<NamedDatabase> {
  const config = await context.config();
  const sources = Object.keys(config.sources);
  const sinks = Object.keys(config.sinks);
  const [kind, name] = sources.includes(wanted)
    ? (['source', wanted] as const)
    : sinks.includes(wanted)
      ? (['sink', wanted] as const)
      : wanted === 'source'
        ? (['source', sources[0]] as const)
        : wanted === 'warehouse' || wanted === 'sink'
          ? (['sink', sinks[0]] as const)
          : ([undefined, undefined] as const);
  const database = kind === undefined || name === undefined ? undefined : (await context.connection(kind, name)).database;
  if (name === undefined || database === undefined)
    throw new EngineError('usage', 'cli.database', `there is no source and no sink ${wanted} in ${config.file}`, {
      hint: `Sources: ${sources.join(', ') || 'none'}. Sinks: ${sinks.join(', ') || 'none'}.`,
    });
  return { name, database };
}
