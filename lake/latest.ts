import type { Field } from './action.ts';
import { duckdbName, duckdbText } from './duckdb.ts';
import { deletedField, duckdbType, extractedAtField, fieldRole, foldName, postgresName } from './schema.ts';
import type { TableState } from './table.ts';

export interface LatestOptions {
  /** Which names the columns get: those of the lake, or Postgres's. */
  readonly names: 'lake' | 'postgres';
}

/**
 * DuckDB's SQL for the latest row of each key, by `_extracted_at`; rows whose latest version is deleted are left out. All rows where the table has no key.
 * `files` are local paths of all active files.
 */
export function latestSql(state: TableState, files: readonly string[], options: LatestOptions): string {
  const columns = shownColumns(state.fields, options).filter((c) => fieldRole(c.field) !== 'deleted');
  const shown = columns.map((c) => `${duckdbName(c.field.name)} AS ${duckdbName(c.name)}`).join(', ');
  const key = keyFields(state);
  const has = (field: Field): boolean => state.fields.some((f) => f.name === field.name);
  const rows = rowsSql(state.fields, files);
  const ordered = key.length > 0 && has(extractedAtField);
  const newest = ordered
    ? ` QUALIFY row_number() OVER (PARTITION BY ${key.map((f) => duckdbName(f.name)).join(', ')} ORDER BY ${duckdbName(extractedAtField.name)} DESC) = 1`
    : '';
  const kept = has(deletedField) ? ` WHERE ${duckdbName(deletedField.name)} IS NOT TRUE` : '';
  return `SELECT ${shown} FROM (SELECT * FROM ${rows}${newest})${kept}`;
}

/** DuckDB's SQL for every row in the files, with the engine's own columns. */
export function versionsSql(state: TableState, files: readonly string[], options: LatestOptions): string {
  const shown = shownColumns(state.fields, options).map((c) => `${duckdbName(c.field.name)} AS ${duckdbName(c.name)}`);
  return `SELECT ${shown.join(', ')} FROM ${rowsSql(state.fields, files)}`;
}

/** The fields of a table's key, as its configuration has it; none for a table without one. */
export function keyFields(state: TableState): readonly Field[] {
  const text = state.metadata?.configuration['engine.key'];
  const names = text === undefined ? (state.last?.commit.key ?? []) : (JSON.parse(text) as readonly string[]);
  const fields = names.map((name) => state.fields.find((f) => fieldRole(f) === undefined && postgresName(f) === name));
  return fields.every((f): f is Field => f !== undefined) ? fields : [];
}

/** Postgres's names, but where two differ only by case, which DuckDB takes for one: the later ones keep their lake names. */
function shownColumns(fields: readonly Field[], options: LatestOptions): readonly { readonly field: Field; readonly name: string }[] {
  const taken = new Set<string>(fields.filter((f) => fieldRole(f) !== undefined).map((f) => foldName(f.name)));
  return fields.map((field) => {
    const wanted = options.names === 'postgres' && fieldRole(field) === undefined ? postgresName(field) : field.name;
    const name = fieldRole(field) === undefined && taken.has(foldName(wanted)) ? field.name : wanted;
    taken.add(foldName(name));
    return { field, name };
  });
}

/** Columns by name, in the table's types; a column that a file was written without is NULL there. */
function rowsSql(fields: readonly Field[], files: readonly string[]): string {
  const typed = fields.map((f) => `CAST(NULL AS ${duckdbType(f.type)}) AS ${duckdbName(f.name)}`).join(', ');
  const none = `SELECT ${typed} WHERE false`;
  if (files.length === 0) return `(${none})`;
  const list = files.map(duckdbText).join(', ');
  return `(${none} UNION ALL BY NAME SELECT * FROM read_parquet([${list}], union_by_name = true, hive_partitioning = false))`;
}
