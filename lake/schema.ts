import { EngineError } from '../engine/error.ts';
import type { Field, Schema } from './action.ts';

/** Keys of a field's metadata. */
export const fieldKey = {
  /** The Postgres name, which staging uses. */
  name: 'engine.name',
  /** Text of the Postgres type: `numeric(12,2)`, `public.mpaa_rating`. */
  type: 'engine.type',
  /** A built-in type to use where the sink lacks that type. */
  base: 'engine.base',
  /** How it was masked on its way: `hash`, `redact`, `null`; absent: not at all. */
  mask: 'engine.mask',
  /** `extracted_at` or `deleted`, on the engine's own columns. */
  role: 'engine.role',
} as const;

/** The engine's own columns, the last ones of every lake table. */
export const extractedAtField: Field = {
  name: '_extracted_at',
  type: 'timestamp',
  nullable: true,
  metadata: { [fieldKey.role]: 'extracted_at' },
};
export const deletedField: Field = { name: '_deleted', type: 'boolean', nullable: true, metadata: { [fieldKey.role]: 'deleted' } };
export const systemFields: readonly Field[] = [extractedAtField, deletedField];

/** What a field is to the engine: one of its own columns, or undefined for a column of the source. */
export function fieldRole(field: Field): 'extracted_at' | 'deleted' | undefined {
  const role = field.metadata[fieldKey.role];
  return role === 'extracted_at' || role === 'deleted' ? role : undefined;
}

/** The name of a column in Postgres; its lake name where none is recorded. */
export function postgresName(field: Field): string {
  const name = field.metadata[fieldKey.name];
  return typeof name === 'string' ? name : field.name;
}

/** Names that count as one for Delta share this form. */
export function foldName(name: string): string {
  return name.toLowerCase();
}

/**
 * A name that Delta allows and that is not among `taken` (names already given, folded by `foldName`): ` ,;{}()=`, tabs and newlines become `_`,
 * then `_2`, `_3` and so on is added until it is free.
 */
export function cleanName(name: string, taken: ReadonlySet<string>): string {
  const clean = name.replace(/[ ,;{}()=\t\n]/g, '_');
  if (!taken.has(foldName(clean))) return clean;
  let number = 2;
  while (taken.has(foldName(`${clean}_${number}`))) number += 1;
  return `${clean}_${number}`;
}

export interface Column {
  /** In Postgres. */
  readonly name: string;
  /** Delta's. */
  readonly type: string;
  readonly postgresType: string;
  readonly baseType: string;
}

/**
 * The fields of a lake table for columns of a source, with the engine's own at the end. Columns that `before` knows keep their lake names; others get
 * clean, unique ones in order. Every field is nullable: the source's constraints are the source's.
 */
export function lakeFields(columns: readonly Column[], before: readonly Field[] = []): readonly Field[] {
  const known = new Map(before.filter((f) => fieldRole(f) === undefined).map((f) => [postgresName(f), f.name]));
  const taken = new Set([...before, ...systemFields].map((f) => foldName(f.name)));
  const fields = columns.map((column) => {
    const name = known.get(column.name) ?? cleanName(column.name, taken);
    taken.add(foldName(name));
    return {
      name,
      type: column.type,
      nullable: true,
      metadata: { [fieldKey.name]: column.name, [fieldKey.type]: column.postgresType, [fieldKey.base]: column.baseType },
    };
  });
  return [...fields, ...systemFields];
}

/** The schema as JSON text for `metaData`; equal fields give equal text, whatever the order of their metadata. */
export function schemaText(fields: readonly Field[]): string {
  const ordered = fields.map(({ name, type, nullable, metadata }) => ({
    name,
    type,
    nullable,
    metadata: Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))),
  }));
  return JSON.stringify({ type: 'struct', fields: ordered } satisfies Schema);
}

/** The fields in a schema's JSON text. Refuses nested types, which this engine never writes. */
export function parseSchema(text: string, folder: string): readonly Field[] {
  const schema = JSON.parse(text) as {
    readonly fields: readonly (Omit<Field, 'type' | 'metadata'> & { type: unknown; metadata?: Field['metadata'] })[];
  };
  return schema.fields.map(({ name, type, nullable, metadata }) => {
    if (typeof type !== 'string')
      throw new EngineError('refused', 'lake.type-unknown', `column ${name} of lake table ${folder} has a nested type`, {
        hint: 'It was not written by this engine. Give the table another name, or move the folder away.',
      });
    return { name, type, nullable, metadata: metadata ?? {} };
  });
}

const duckdbTypes: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  byte: 'TINYINT',
  short: 'SMALLINT',
  integer: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
};

/** DuckDB's type for one of Delta's: what a data file must hold for that column. Throws on a type that no lake table of ours has. */
export function duckdbType(type: string): string {
  const known = duckdbTypes[type];
  if (known !== undefined) return known;
  const decimal = /^decimal\((\d+),\s*(-?\d+)\)$/.exec(type);
  if (decimal !== null) return `DECIMAL(${decimal[1]},${decimal[2]})`;
  throw new RangeError(`no DuckDB type for Delta's ${type}`);
}
