import { suggest } from '../base/suggest.ts';
import type { Config, MaskKind, Relation, TableConfig } from '../config.ts';
import { Refusal } from './errors.ts';
import type { ServerParts } from './parts.ts';
import { declaredTables } from './views.ts';

/** The names of the pipelines that have that table; 404 for a table that none has. */
export async function knownTable(parts: ServerParts, config: Config, table: string): Promise<readonly string[]> {
  const declared = await declaredTables(parts, config);
  const pipelines = declared.get(table);
  if (pipelines !== undefined) return pipelines;
  const near = suggest(table, declared.keys());
  throw new Refusal(404, 'table.unknown', `there is no table ${table}`, near === undefined ? undefined : `Did you mean ${near}?`);
}

/** The settings of a table: as declared, or the defaults of one that only a pattern names, which takes its relation from what the lake says of it. Undefined where nothing says which source or sink is meant. */
export function settingsOfTable(config: Config, table: string, lakeRelation: string | undefined): TableConfig | undefined {
  if (Object.hasOwn(config.tables, table)) return config.tables[table];
  const { source, sink } = config.tableDefaults;
  if (source === undefined || sink === undefined) return undefined;
  const relation = parseRelation(lakeRelation ?? '') ?? { schema: 'public', name: table };
  const into: Relation = { schema: config.sinks[sink]?.schema ?? 'staging', name: relation.name };
  return { ...config.tableDefaults, name: table, relation, source, sink, into };
}

/** `schema.name` as messages and commits write it, odd names in double quotes. */
export function parseRelation(text: string): Relation | undefined {
  const parts = /^("(?:[^"]|"")+"|[^".]+)\.("(?:[^"]|"")+"|[^".]+)$/.exec(text);
  if (parts === null) return undefined;
  const plain = (part = ''): string => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part);
  return { schema: plain(parts[1]), name: plain(parts[2]) };
}

/** The mask of a column; `name` is the one in the source. */
export function maskOf({ columns }: Pick<TableConfig, 'columns'>, name: string): MaskKind | undefined {
  return Object.hasOwn(columns.mask, name) ? columns.mask[name] : undefined;
}

/** Why the values of a column go no further than the source; `name` is the one in the source. */
export function isTaken({ columns }: Pick<TableConfig, 'columns'>, name: string): boolean {
  return (columns.include === undefined || columns.include.includes(name)) && !columns.exclude.includes(name);
}

/** The name of a column of the source in the lake and in staging. */
export function renamed({ columns }: Pick<TableConfig, 'columns'>, name: string): string {
  return Object.hasOwn(columns.rename, name) ? (columns.rename[name] ?? name) : name;
}
