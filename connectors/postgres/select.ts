import { createHash } from 'node:crypto';
import type { Instant } from '../../engine/base/instant.ts';
import type { TableConfig } from '../../engine/config.ts';
import { EngineError } from '../../engine/error.ts';
import type { Field } from '../../lake/action.ts';
import { cleanName } from '../../lake/schema.ts';
import { type Cursor, isValueCursor, lowSql, noColumn, type ValueCursor } from './cursor.ts';
import type { SourceColumn, SourceRelation } from './describe.ts';
import { quoteIdentifier, quoteLiteral, quoteRelation, showRelation } from './identifier.ts';
import { isHashed, isMasked, type MaskKey, maskedPassage, maskOf } from './mask.ts';
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
  const { include, exclude, rename, types, mask } = table.columns;
  const named = [rename, types, mask].flatMap((block) => Object.keys(block));
  for (const name of [...(include ?? []), ...exclude, ...named, ...(table.key ?? [])])
    if (!names.has(name)) throw noColumn(relation, name, `tables.${table.name}`);
  const before = new Map(known.map((f) => [f.metadata['engine.name'], f.name]));
  const given = new Set<string>();
  const taken = new Set([...reserved, ...known.map((f) => f.name.toLowerCase())]);
  return relation.columns
    .filter((c) => (include === undefined || include.includes(c.name)) && !exclude.includes(c.name))
    .map((c) => {
      const name = (Object.hasOwn(rename, c.name) ? rename[c.name] : undefined) ?? c.name;
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
      const kind = maskOf(table, c.name);
      const passage =
        kind === undefined
          ? { ...passageOf(c.type, Object.hasOwn(types, c.name) && types[c.name] === 'string'), type: c.type.text }
          : maskedPassage(kind, c.type);
      return {
        source: c,
        passage,
        field: {
          name: lakeName,
          type: passage.lake,
          nullable: true,
          metadata: {
            'engine.name': name,
            'engine.type': passage.type,
            'engine.base': passage.base,
            ...(kind === undefined ? {} : { 'engine.mask': kind }),
          },
        },
      };
    });
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
export function fingerprintOf(
  table: TableConfig,
  relation: SourceRelation,
  key: readonly string[],
  cursor: Cursor | undefined,
  maskKey: MaskKey | undefined,
): string {
  const values = isValueCursor(cursor);
  const zone = cursor === undefined || values ? undefined : cursor.zone;
  const meaning = {
    relation: [relation.relation.schema, relation.relation.name],
    key: [...key],
    cursor: table.cursor ?? null,
    zone: zone ?? null,
    ...(values ? { values: cursor.type } : {}),
    nullCursor: table.nullCursor === 'ignore' ? 'ignore' : 'include',
    where: table.where ?? null,
    include: table.columns.include === undefined ? null : [...table.columns.include].sort(),
    exclude: [...table.columns.exclude].sort(),
    rename: Object.entries(table.columns.rename).sort(),
    types: Object.entries(table.columns.types).sort(),
    // Absent without masks: a table that has none keeps the fingerprint of its commits.
    ...(isMasked(table) ? { mask: Object.entries(table.columns.mask).sort() } : {}),
    ...(isHashed(table) ? { salt: maskKey?.mark ?? null } : {}),
  };
  return createHash('sha256').update(JSON.stringify(meaning)).digest('hex').slice(0, 32);
}

/** What rows an extract takes. */
export interface Selection {
  readonly where: string | undefined;
  /** Rows with a cursor not below it; undefined: all. */
  readonly from: { readonly cursor: Cursor; readonly low: string } | undefined;
  readonly nullCursor: 'include' | 'ignore' | 'error';
  /** The cursor column, where one is configured and there, for `nullCursor: error`. */
  readonly cursorColumn: string | undefined;
  readonly key: readonly string[];
}

/**
 * The statement that Postgres runs: columns by place (`c0`, `c1`), and `bad`, which names column, key and value of a value that the lake cannot hold.
 * `range`: a further condition, for a part of the table.
 */
export function innerSql(relation: SourceRelation, columns: readonly ExtractColumn[], selection: Selection, range?: string): string {
  const row = rowSql(selection.key, columns);
  const guards = columns.flatMap((c) => {
    const name = quoteIdentifier(c.source.name);
    return c.passage.misfit === undefined
      ? []
      : [`WHEN ${c.passage.misfit(name)} THEN ${describeSql(c.source.name, row)} || ${name}::text`];
  });
  if (selection.nullCursor === 'error' && selection.cursorColumn !== undefined) {
    const name = quoteIdentifier(selection.cursorColumn);
    guards.push(`WHEN ${name} IS NULL THEN ${describeSql(selection.cursorColumn, row)} || ${quoteLiteral(nullCursorMark)}`);
  }
  const bad = guards.length === 0 ? 'NULL::text' : `CASE ${guards.join(' ')} END`;
  const list = [...columns.map((c, i) => `${c.passage.select(quoteIdentifier(c.source.name))} AS c${i}`), `${bad} AS bad`];
  return `SELECT ${list.join(', ')} FROM ${quoteRelation(relation.relation)}${whereSql([...(range === undefined ? [] : [range]), ...conditionsOf(selection)])}`;
}

const whereSql = (conditions: readonly string[]): string => (conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`);

function conditionsOf(selection: Selection): readonly string[] {
  const conditions: string[] = [];
  if (selection.where !== undefined) conditions.push(`(${selection.where}\n)`);
  if (selection.from !== undefined) {
    const name = quoteIdentifier(selection.from.cursor.column.name);
    const from = `${name} >= ${lowSql(selection.from.cursor, selection.from.low)}`;
    conditions.push(selection.nullCursor === 'ignore' ? from : `(${from} OR ${name} IS NULL)`);
  } else if (selection.nullCursor === 'ignore' && selection.cursorColumn !== undefined) {
    conditions.push(`${quoteIdentifier(selection.cursorColumn)} IS NOT NULL`);
  }
  return conditions;
}

/**
 * The statement for the highest cursor value among the rows of a selection, as Postgres's text; no row: there is none. In the column's own order, whatever its
 * collation: what counts is that one order decides both what is highest and what lies above it. A NaN is above every number, so it would hide them all.
 */
export function highestSql(relation: SourceRelation, cursor: ValueCursor, selection: Selection): string {
  const name = quoteIdentifier(cursor.column.name);
  const known = [`${name} IS NOT NULL`, ...(cursor.type === 'numeric' ? [`${name} <> 'NaN'`] : [])];
  return `SELECT ${name}::text AS value FROM ${quoteRelation(relation.relation)}${whereSql([...conditionsOf(selection), ...known])} ORDER BY ${name} DESC LIMIT 1`;
}

/** An expression that names a row by its key, masked as the columns are; empty text where there is none. */
export function rowSql(key: readonly string[], columns: readonly ExtractColumn[]): string {
  const parts = key.map((k, i) => {
    const masked = columns.find((c) => c.source.name === k && c.field.metadata['engine.mask'] !== undefined);
    const shown = masked === undefined ? `${quoteIdentifier(k)}::text` : masked.passage.select(quoteIdentifier(k));
    return `${quoteLiteral(`${i === 0 ? '' : ', '}${k} = `)} || coalesce(${shown}, 'NULL')`;
  });
  return parts.length === 0 ? "''" : `' of the row with ' || ${parts.join(' || ')}`;
}

function describeSql(column: string, row: string): string {
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

/** What the message of a NULL cursor ends with where it is an error. */
export const nullCursorMark = 'NULL, and nullCursor is error';

/** A text constant in DuckDB's SQL, where a backslash is an ordinary character. */
export function duckLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
