import { createHash } from 'node:crypto';
import type { Instant } from '../../engine/base/instant.ts';
import type { TableConfig } from '../../engine/config.ts';
import { EngineError } from '../../engine/error.ts';
import type { Field } from '../../lake/action.ts';
import { cleanName } from '../../lake/schema.ts';
import type { PostgresType, SourceColumn, SourceRelation } from './describe.ts';
import { quoteIdentifier, quoteLiteral, quoteRelation, showRelation } from './identifier.ts';
import { type Passage, passageOf } from './types.ts';

/** A column that an extract takes. */
export interface ExtractColumn {
  readonly source: SourceColumn;
  readonly passage: Passage;
  readonly field: Field;
}

const reserved = ['_extracted_at', '_loaded_at', '_deleted'];

/** The fields that every lake table ends with. */
export const engineFields: readonly Field[] = [
  { name: '_extracted_at', type: 'timestamp', nullable: true, metadata: { 'engine.role': 'extracted_at' } },
  { name: '_deleted', type: 'boolean', nullable: true, metadata: { 'engine.role': 'deleted' } },
];

/** The columns that a table's configuration takes of a relation, in its order; a lake name that was given once is kept. Names that are not there, or would clash with the engine's own columns, are refused. */
export function extractColumns(relation: SourceRelation, table: TableConfig, known: readonly Field[]): readonly ExtractColumn[] {
  const names = new Set(relation.columns.map((c) => c.name));
  const { include, exclude, rename, types } = table.columns;
  for (const name of [...(include ?? []), ...exclude, ...Object.keys(rename), ...Object.keys(types), ...(table.key ?? [])])
    if (!names.has(name)) throw noColumn(relation, name, `tables.${table.name}`);
  const before = new Map(known.map((f) => [f.metadata['engine.name'], f.name]));
  const given = new Set<string>();
  const taken = new Set([...reserved, ...known.map((f) => f.name.toLowerCase())]);
  return relation.columns
    .filter((c) => (include === undefined || include.includes(c.name)) && !exclude.includes(c.name))
    .map((c) => {
      const name = rename[c.name] ?? c.name;
      if (reserved.includes(name.toLowerCase()))
        throw new EngineError(
          'usage',
          'extract.reserved-name',
          `${showRelation(relation.relation)} has a column ${quoteIdentifier(name)}, a name that the engine uses itself`,
          {
            hint: `Rename it on the way: \`columns: { rename: { ${JSON.stringify(c.name)}: source_${name.replace(/^_/, '')} } }\`, or exclude it`,
          },
        );
      if (given.has(name))
        throw new EngineError(
          'usage',
          'extract.same-name',
          `two columns of ${showRelation(relation.relation)} would be named ${quoteIdentifier(name)} in staging`,
          { hint: `Rename one of them otherwise, or exclude it (\`columns\` of tables.${table.name})` },
        );
      given.add(name);
      const lakeName = before.get(name) ?? cleanName(name, taken);
      taken.add(lakeName.toLowerCase());
      const passage = passageOf(c.type, types[c.name] === 'string');
      return {
        source: c,
        passage,
        field: {
          name: lakeName,
          type: passage.lake,
          nullable: true,
          metadata: { 'engine.name': name, 'engine.type': c.type.text, 'engine.base': passage.base },
        },
      };
    });
}

function noColumn(relation: SourceRelation, name: string, where: string): EngineError {
  return new EngineError(
    'usage',
    'extract.no-column',
    `${where}: ${showRelation(relation.relation)} has no column ${quoteIdentifier(name)}`,
    {
      hint: `Its columns are ${relation.columns.map((c) => c.name).join(', ')}`,
    },
  );
}

/** The key that rows are merged by: the configured one or the primary key, by names in staging. Empty where there is none. */
export function keyOf(relation: SourceRelation, table: TableConfig, columns: readonly ExtractColumn[]): readonly string[] {
  const key = table.key ?? relation.primaryKey;
  return key.map((name) => {
    const column = columns.find((c) => c.source.name === name);
    if (column === undefined)
      throw new EngineError(
        'usage',
        'extract.key-excluded',
        `the key column ${quoteIdentifier(name)} of ${showRelation(relation.relation)} is not extracted`,
        {
          hint: 'Take it out of `columns.exclude`, or name another `key`',
        },
      );
    return String(column.field.metadata['engine.name']);
  });
}

/** A hash of what an extract means: when it changes, rows that did not change must be taken again. */
export function fingerprintOf(table: TableConfig, relation: SourceRelation, key: readonly string[], zone: string | undefined): string {
  const meaning = {
    relation: [relation.relation.schema, relation.relation.name],
    key: [...key],
    cursor: table.cursor ?? null,
    zone: zone ?? null,
    nullCursor: table.nullCursor === 'ignore' ? 'ignore' : 'include',
    where: table.where ?? null,
    include: table.columns.include === undefined ? null : [...table.columns.include].sort(),
    exclude: [...table.columns.exclude].sort(),
    rename: Object.entries(table.columns.rename).sort(),
    types: Object.entries(table.columns.types).sort(),
  };
  return createHash('sha256').update(JSON.stringify(meaning)).digest('hex').slice(0, 32);
}

/** A cursor column that a fence can be compared with. */
export interface Cursor {
  readonly column: SourceColumn;
  readonly kind: 'timestamptz' | 'timestamp' | 'date';
  /** Digits after the second that the column keeps. */
  readonly precision: number;
  /** IANA zone of its writers; undefined for timestamptz. */
  readonly zone: string | undefined;
}

/** The cursor of a table. A column that is not there, of a type without a fence, or of unclear zone is refused with the way out. */
export function cursorOf(relation: SourceRelation, table: TableConfig, zones: readonly string[]): Cursor {
  const at = showRelation(relation.relation);
  if (table.cursor === undefined)
    throw new EngineError('usage', 'extract.no-cursor', `an incremental extract of ${at} needs a cursor`, {
      hint: `Give tables.${table.name} a \`cursor\` (a column such as updated_at that every change sets), or take it in a pipeline of mode full`,
    });
  const column = relation.columns.find((c) => c.name === table.cursor);
  if (column === undefined) throw noColumn(relation, table.cursor, `cursor of tables.${table.name}`);
  let type: PostgresType = column.type;
  while (type.kind === 'domain' && type.over !== undefined) type = type.over;
  const kind = type.name;
  if (type.schema !== 'pg_catalog' || (kind !== 'timestamptz' && kind !== 'timestamp' && kind !== 'date'))
    throw new EngineError(
      'usage',
      'extract.cursor-type',
      `the cursor ${quoteIdentifier(column.name)} of ${at} is of type ${column.type.text}; a cursor is a timestamp or a date so far`,
      {
        hint: 'Name a column of type timestamptz, timestamp or date, or take the table in a pipeline of mode full',
      },
    );
  const zone = kind === 'timestamptz' ? undefined : (table.cursorTimezone ?? zones[0]);
  if (zone !== undefined && table.cursorTimezone === undefined && zones.length > 1)
    throw new EngineError(
      'usage',
      'extract.cursor-zone',
      `the cursor ${quoteIdentifier(column.name)} of ${at} has no time zone, and the source's roles use several: ${zones.join(', ')}`,
      {
        hint: `Say which one its writers use: \`cursorTimezone: ${zones[0]}\` for tables.${table.name}`,
      },
    );
  return { column, kind, precision: type.typmod < 0 ? 6 : type.typmod, zone };
}

/**
 * The SQL of the lowest cursor value that is taken: the instant in the cursor's own terms, floored to its precision less one unit, because rounding can
 * put a row below the fence. In the hour that autumn repeats, local time falls back: what it falls within the next three hours is taken off.
 */
export function lowSql(cursor: Cursor, low: Instant): string {
  const instant = `${quoteLiteral(low)}::timestamptz`;
  let value = instant;
  if (cursor.zone !== undefined) {
    const zone = quoteLiteral(cursor.zone);
    const local = (shift: string): string => `((${instant}${shift}) AT TIME ZONE ${zone})`;
    value = `(${local('')} - greatest(interval '0', interval '3 hours' - (${local(` + interval '3 hours'`)} - ${local('')})))`;
  }
  if (cursor.kind === 'date') return `(${value}::date - 1)`;
  if (cursor.precision >= 6) return value;
  const unit = cursor.precision >= 3 ? 'milliseconds' : 'second';
  return `(date_trunc('${unit}', ${value}) - interval '1 ${cursor.precision >= 3 ? 'millisecond' : 'second'}')`;
}

/** What rows an extract takes. */
export interface Selection {
  readonly where: string | undefined;
  /** Rows with a cursor not below it; undefined: all. */
  readonly from: { readonly cursor: Cursor; readonly low: Instant } | undefined;
  readonly nullCursor: 'include' | 'ignore' | 'error';
  /** The cursor column, where one is configured and there, for `nullCursor: error`. */
  readonly cursorColumn: string | undefined;
  readonly key: readonly string[];
}

/** The statement that Postgres runs: columns by place (`c0`, `c1`), and `bad`, which names column, key and value of a value that the lake cannot hold. */
export function innerSql(relation: SourceRelation, columns: readonly ExtractColumn[], selection: Selection): string {
  const guards = columns.flatMap((c) => {
    const name = quoteIdentifier(c.source.name);
    return c.passage.misfit === undefined
      ? []
      : [`WHEN ${c.passage.misfit(name)} THEN ${describeSql(c.source.name, selection.key)} || ${name}::text`];
  });
  if (selection.nullCursor === 'error' && selection.cursorColumn !== undefined) {
    const name = quoteIdentifier(selection.cursorColumn);
    guards.push(`WHEN ${name} IS NULL THEN ${describeSql(selection.cursorColumn, selection.key)} || 'NULL, and nullCursor is error'`);
  }
  const bad = guards.length === 0 ? 'NULL::text' : `CASE ${guards.join(' ')} END`;
  const list = [...columns.map((c, i) => `${c.passage.select(quoteIdentifier(c.source.name))} AS c${i}`), `${bad} AS bad`];
  const conditions: string[] = [];
  if (selection.where !== undefined) conditions.push(`(${selection.where}\n)`);
  if (selection.from !== undefined) {
    const name = quoteIdentifier(selection.from.cursor.column.name);
    const from = `${name} >= ${lowSql(selection.from.cursor, selection.from.low)}`;
    conditions.push(selection.nullCursor === 'ignore' ? from : `(${from} OR ${name} IS NULL)`);
  } else if (selection.nullCursor === 'ignore' && selection.cursorColumn !== undefined) {
    conditions.push(`${quoteIdentifier(selection.cursorColumn)} IS NOT NULL`);
  }
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `SELECT ${list.join(', ')} FROM ${quoteRelation(relation.relation)}${where}`;
}

function describeSql(column: string, key: readonly string[]): string {
  const parts = key.map((k, i) => `${quoteLiteral(`${i === 0 ? '' : ', '}${k} = `)} || coalesce(${quoteIdentifier(k)}::text, 'NULL')`);
  const row = parts.length === 0 ? "''" : `' of the row with ' || ${parts.join(' || ')}`;
  return `${quoteLiteral(`column ${quoteIdentifier(column)}`)} || ${row} || ': '`;
}

/** The statement that DuckDB runs around it: lake names, the engine's own columns, and an error for the first value that does not fit. */
export function outerSql(alias: string, inner: string, columns: readonly ExtractColumn[], extractedAt: Instant): string {
  const list = [
    ...columns.map((c, i) => `c${i} AS ${quoteIdentifier(c.field.name)}`),
    `TIMESTAMPTZ ${quoteLiteral(extractedAt)} AS "_extracted_at"`,
    'false AS "_deleted"',
  ];
  return `SELECT ${list.join(', ')} FROM postgres_query(${quoteLiteral(alias)}, ${duckLiteral(inner)}) WHERE CASE WHEN bad IS NULL THEN true ELSE error('${misfitMark}' || bad) END`;
}

/** What a misfit's message begins with when DuckDB gives it back. */
export const misfitMark = 'the lake cannot hold ';

/** A text constant in DuckDB's SQL, where a backslash is an ordinary character. */
export function duckLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
